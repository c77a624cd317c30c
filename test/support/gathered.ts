import { endAllOf } from '../../src/cluster/ways/kubectl-process.ts';
import { liveCluster } from '../../src/cluster/ways/live.ts';
import { makeScratch } from '../../src/cluster/ways/scratch.ts';
import type { ControlPlane, Scope, Source } from '../../src/diagnosis/check.ts';
import { Gatherer } from '../../src/diagnosis/gather.ts';
import { NOW, scope } from './judging.ts';

/** The control plane of modern.ts' mesh. */
export const istiod: ControlPlane = {
  generation: 'telemetry-v2',
  namespace: 'istio-system',
  revision: null,
  version: '1.31.0',
};

/** What a source brings through the real kubectl from whatever a kubeconfig leads to. */
export async function gathered<T>(
  source: Source<T>,
  kubeconfig: string,
  { scope: narrowed = {}, plane = istiod }: { scope?: Partial<Scope>; plane?: ControlPlane } = {},
): Promise<T> {
  const scratch = makeScratch();
  const kubectl = { program: 'kubectl', flags: [`--kubeconfig=${kubeconfig}`], env: process.env };
  const live = liveCluster({ kubectl, patience: { request: 5000, run: new AbortController().signal }, scratch });
  const run = { cluster: live, scope: { ...scope, ...narrowed }, now: NOW, sleep: () => Promise.resolve() };
  try {
    return (await new Gatherer(run, () => 0).gather(source, plane)).evidence as T;
  } finally {
    await live.close();
    await endAllOf(kubectl);
    scratch.remove();
  }
}
