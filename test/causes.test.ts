import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { answerCauses } from './support/mesh/causes/answers.ts';
import type { Cause } from './support/mesh/causes/cause.ts';
import { consumerCauses } from './support/mesh/causes/consumers.ts';
import { deliveryCauses } from './support/mesh/causes/delivery.ts';
import { healthyCauses } from './support/mesh/causes/healthy.ts';
import { inMeshCauses } from './support/mesh/causes/in-mesh.ts';
import { MISSED } from './support/mesh/causes/missed.ts';
import { protocolCauses } from './support/mesh/causes/protocol.ts';
import { scrapeCauses } from './support/mesh/causes/scrape.ts';
import { severalCauses } from './support/mesh/causes/several.ts';
import { storedCauses } from './support/mesh/causes/stored.ts';
import { telemetryCauses } from './support/mesh/causes/telemetry-config.ts';
import { comparable, examining } from './support/mesh/examined.ts';
import { awaitedFor, never, otherwise, walkedSteps } from './support/mesh/expectation.ts';
import { built } from './support/mesh/scenario.ts';
import type { Mesh } from './support/meshes.ts';
import { it } from './support/programs.ts';
import { assertSchema } from './support/schema.ts';

const CAUSES: Record<string, readonly Cause[]> = {
  'nothing is wrong where': healthyCauses,
  'pods are in the mesh or not where': inMeshCauses,
  'proxies are told or not where': telemetryCauses,
  'configuration is delivered or not where': deliveryCauses,
  'protocols are known or not where': protocolCauses,
  'pages are scraped or not where': scrapeCauses,
  'series are stored or not where': storedCauses,
  'consumers ask or do not where': consumerCauses,
  'there are two where': severalCauses,
  'nothing is made up where a store': answerCauses,
};

function meshOf({ name, spec, after, command = 'missing-metrics', expect }: Cause): Mesh {
  const mesh = built(name.replaceAll(/\W+/g, '-'), spec);
  after?.(mesh);
  return { ...mesh, command: command.split(' '), expect };
}

const all = Object.values(CAUSES).flat();
/** Bundles are compared where there are two of something; test/meshes.test.ts does it of all else. */
const isReplayed = (name: string): boolean => severalCauses.some((cause) => cause.name === name);

const examined = examining(new Map(all.map((cause) => [cause.name, () => meshOf(cause)])), isReplayed);

for (const [what, causes] of Object.entries(CAUSES)) {
  describe(what, () => {
    for (const { name, facts, expect } of causes) {
      it(`${name} (${facts})`, async (context) => {
        const missed = MISSED[name];
        if (missed !== undefined) context.todo(missed);
        const { live, replayed } = await examined(name);
        assertSchema(live.report);
        assert.equal(live.code, live.report.exitCode, live.stderr);
        if (replayed) assert.deepEqual(comparable(replayed.report), comparable(live.report));
        assert.deepEqual(never(live.report, expect), []);
        const awaited = awaitedFor(expect, await walkedSteps());
        if (awaited.length > 0) context.todo(`the walk has no ${awaited.join(', ')} yet`);
        assert.deepEqual(otherwise(live.report, expect), []);
      });
    }
  });
}
