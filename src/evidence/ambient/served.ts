import { planeSource } from '../../diagnosis/source.ts';
import type { Served } from '../../istio/attachment.ts';
import { gatewayOf } from '../istio/detection.ts';
import type { Proxy as MeshProxy } from '../istio/population.ts';
import { grouped } from '../kubernetes/lists.ts';
import { titleOf } from '../kubernetes/named.ts';
import { bindings, isBound } from './bindings.ts';

/** The Services and ServiceEntries that a waypoint's proxy serves: what is told a waypoint is told for each of them. */
export const servedByWaypoints = planeSource([], async ({ from }): Promise<(proxy: MeshProxy) => readonly Served[]> => {
  const { bindings: all } = await from(bindings);
  const served = grouped(all, (each) => (isBound(each) === false ? null : titleOf(each.wish)));
  return ({ pod }) => (served.get(gatewayOf(pod)) ?? []).flatMap(({ of }) => (of.kind === 'Pod' ? [] : [of as Served]));
});
