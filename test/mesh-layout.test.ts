import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Report } from '../src/report/document.ts';
import type { Cause } from './support/mesh/causes/cause.ts';
import { deliveryCauses } from './support/mesh/causes/delivery.ts';
import { inMeshCauses } from './support/mesh/causes/in-mesh.ts';
import { scrapeCauses } from './support/mesh/causes/scrape.ts';
import { storedCauses } from './support/mesh/causes/stored.ts';
import { built } from './support/mesh/scenario.ts';
import { shop } from './support/mesh/spec.ts';
import { type Bad, type Standing, sharedMesh, withStanding } from './support/mesh/standing.ts';
import { it } from './support/programs.ts';
import { ran } from './support/run.ts';

process.setMaxListeners(200);

/** Every reason, once: the text of a reason is the same wherever it is met. */
const explained = new Set<string>();

/** What is there to be pasted is never broken up, nor is a word that is longer than a line. */
const isPasted = (line: string): boolean => /kubectl|https?:|istioctl|curl/.test(line) || !line.trim().includes(' ');

const LOOKS: readonly (readonly [string, Bad])[] = [
  ['a healthy mesh', {}],
  ['a store behind a login', { others: [{ match: /^\//, status: 401, body: 'no' }] }],
  ['a user without rights to pages', { options: { faults: [{ match: /^UPGRADE/, fault: 'forbid' }] } }],
];

const CAUSES: readonly Cause[] = [
  ...inMeshCauses.slice(0, 2),
  ...deliveryCauses.slice(0, 1),
  ...scrapeCauses.slice(0, 3),
  ...storedCauses.slice(0, 3),
];

/** Looks at a mesh in every format, and asks what each reason means. */
const assertReports = (mesh: Standing, bad: Bad = {}): Promise<void> =>
  mesh.use(bad, async ({ kubeconfig }) => {
    const env = { KUBECONFIG: kubeconfig };
    const said = async (...argv: string[]) => (await ran(['missing-metrics', ...argv], { env })).stdout;
    for (const argv of [[], ['-o', 'wide'], ['--ascii']]) {
      const text = await said(...argv);
      if (argv[1] !== 'wide')
        assert.deepEqual(
          text.split('\n').filter((line) => line.length > 100 && !isPasted(line)),
          [],
        );
      assert.doesNotMatch(text, /undefined|\[object|NaN| {2,}$/m);
      // Whatever the cluster says may be in it; the frame is not.
      if (argv[0] === '--ascii') assert.doesNotMatch(text, /[─│┌└├▶◀✔✖]/);
    }
    const report = JSON.parse(await said('-o', 'json')) as Report;
    for (const { id, checks } of report.steps) {
      for (const word of [id, ...checks.map((check) => check.id), ...checks.flatMap(({ reason }) => reason ?? [])]) {
        if (explained.has(word)) continue;
        explained.add(word);
        const { stdout, code, stderr } = await ran(['explain', word]);
        assert.equal(code, 0, `${word}: ${stderr}`);
        assert.ok(stdout.includes(word) && stdout.length > 60, `${word}: ${stdout}`);
      }
      for (const { reason, meaning, status } of checks)
        if (status === 'fail' || status === 'warn') assert.ok(meaning, `${reason} has no meaning`);
    }
  });

describe('the report of', { concurrency: 12 }, () => {
  const healthy = sharedMesh(() => built('layout', shop()));
  const what = 'keeps its layout in every format, and explains its reasons';
  for (const [name, bad] of LOOKS) it(`${name} ${what}`, async () => assertReports(await healthy(), bad));
  for (const { name, spec } of CAUSES) it(`${name} ${what}`, () => withStanding(built('layout', spec), assertReports));
});
