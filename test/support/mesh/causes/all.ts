import type { Mesh } from '../../meshes.ts';
import { ofKnownSteps } from '../expectation.ts';
import { built } from '../scenario.ts';
import { ambientConsumerCauses } from './ambient/consumers.ts';
import { enrolledCauses } from './ambient/enrolled.ts';
import { healthyAmbientCauses } from './ambient/healthy.ts';
import { mixedCauses } from './ambient/mixed.ts';
import { namedCauses } from './ambient/named.ts';
import { oneInAmbientCauses } from './ambient/one.ts';
import { passingCauses } from './ambient/passing.ts';
import { ambientScrapeCauses } from './ambient/scrape.ts';
import { ambientStoredCauses } from './ambient/stored.ts';
import { toldCauses } from './ambient/told.ts';
import { waypointCauses } from './ambient/waypoints.ts';
import { ztunnelCauses } from './ambient/ztunnel.ts';
import { analyzedCauses } from './analyzed.ts';
import { answerCauses } from './answers.ts';
import type { Cause } from './cause.ts';
import { consumerCauses } from './consumers.ts';
import { deliveryCauses } from './delivery.ts';
import { healthyCauses } from './healthy.ts';
import { inMeshCauses } from './in-mesh.ts';
import { protocolCauses } from './protocol.ts';
import { scrapeCauses } from './scrape.ts';
import { severalCauses } from './several.ts';
import { storedCauses } from './stored.ts';
import { telemetryCauses } from './telemetry-config.ts';

/** Every cause, by what it is about. */
export const CAUSES: Record<string, readonly Cause[]> = {
  'nothing is wrong where': healthyCauses,
  'pods are in the mesh or not where': inMeshCauses,
  'proxies are told or not where': telemetryCauses,
  'configuration is delivered or not where': deliveryCauses,
  'protocols are known or not where': protocolCauses,
  'pages are scraped or not where': scrapeCauses,
  'series are stored or not where': storedCauses,
  'consumers ask or do not where': consumerCauses,
  'there are two where': severalCauses,
  'nothing is wrong with ambient where': healthyAmbientCauses,
  'pods are in ambient or not where': enrolledCauses,
  'sidecars are beside ambient where': mixedCauses,
  'ztunnels make metrics or not where': ztunnelCauses,
  'pages of ztunnels are scraped or not where': ambientScrapeCauses,
  'series of ztunnels are stored or not where': ambientStoredCauses,
  'one of ambient is asked for where': oneInAmbientCauses,
  'waypoints are bound or not where': waypointCauses,
  'waypoints are told or not where': toldCauses,
  'requests pass waypoints or not where': passingCauses,
  'consumers ask for what ambient has or do not where': ambientConsumerCauses,
  'one workload of ambient is looked at where': namedCauses,
  'nothing is made up where a store': answerCauses,
  'istioctl finds something too where': analyzedCauses,
};

function meshOf({ name, spec, after, command = 'missing-metrics', expect }: Cause): Mesh {
  const mesh = built(name.replaceAll(/\W+/g, '-'), spec);
  after?.(mesh);
  return { ...mesh, command: command.split(' '), expect };
}

for (const { expect } of Object.values(CAUSES).flat()) ofKnownSteps(expect);

/** Builds the mesh of each cause, by its name. */
export const causeMeshes = (): ReadonlyMap<string, () => Mesh> =>
  new Map(
    Object.values(CAUSES)
      .flat()
      .map((cause) => [cause.name, () => meshOf(cause)]),
  );
