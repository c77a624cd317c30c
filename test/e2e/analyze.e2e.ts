import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { CheckReport, Report } from '../../src/report/report.ts';
import { causeMeshes } from '../support/mesh/causes/all.ts';
import { analyzedCauses } from '../support/mesh/causes/analyzed.ts';
import { examining } from '../support/mesh/examined.ts';
import { listed, otherwise } from '../support/mesh/expectation.ts';
import { loadMesh, type Mesh, meshNames } from '../support/meshes.ts';
import type { RecordedObject } from '../support/recordings.ts';
import { BIN } from './build.ts';
import { startWatchable } from './watchable.ts';

/** What istioctl says of an object: `Pod shop/web-1`, `Namespace shop`. */
interface Message {
  code: string;
  level: 'Info' | 'Warning' | 'Error';
  origin: string;
  message: string;
}

/** Where istioctl says what we do not, and why. */
const ELSEWHERE: readonly { code: string; healthyOnly?: true; why: string }[] = [
  {
    code: 'IST0102',
    why: 'It is told of every namespace without a label; we call such pods outside, and a failure only where the workload was named.',
  },
  {
    code: 'IST0118',
    why: 'It is told of every Service; we say it where proxies are behind it, and only connections are counted.',
  },
  { code: 'IST0133', why: 'It is told of every EnvoyFilter, for being one.' },
  {
    code: 'IST0151',
    why: 'It is told of every stats filter that Istio itself shipped: a relative operation has no priority there, and it is applied all the same.',
  },
  {
    code: 'IST0155',
    why: 'It is told of every stats filter that Istio itself shipped, whether a proxy’s version has one or not; we say which proxies have none.',
  },
  {
    code: 'IST0158',
    healthyOnly: true,
    why: 'It is told of every proxy that is not of the injector’s release; we say it where there is no stats filter for such a one.',
  },
];

/** Runs `istioctl analyze` on a cluster of these objects. With files alone it looks at neither pods, namespaces nor Services. */
async function analyzed(objects: readonly RecordedObject[]): Promise<readonly Message[]> {
  const watchable = await startWatchable(objects);
  const args = [
    '--kubeconfig',
    watchable.kubeconfig,
    '-n',
    'istio-system',
    'analyze',
    '--all-namespaces',
    '-o',
    'json',
  ];
  // A list and a watch do for it.
  const options = { timeout: 30_000, env: { ...process.env, KUBE_FEATURE_WatchListClient: 'false' } };
  try {
    return await new Promise((resolve, reject) => {
      execFile(join(BIN, 'istioctl'), args, options, (error, stdout, stderr) => {
        if (error) reject(new Error(`istioctl: ${error.message} ${stderr}`));
        else resolve(JSON.parse(stdout) as Message[]);
      });
    });
  } finally {
    await watchable.close();
  }
}

/** Whether a finding is about the object of a message. */
function isAbout({ subjects, message, evidence }: CheckReport, origin: string): boolean {
  const [kind, name = ''] = origin.split(' ');
  if (kind === 'Namespace') return subjects.some(({ namespace }) => namespace === name);
  const [namespace, own = ''] = name.split('/');
  if (kind === 'Pod') return subjects.some((each) => each.namespace === namespace && each.pods.includes(own));
  return [message, ...(evidence ?? [])].some((line) => line.includes(name));
}

interface Told extends Message {
  /** The step of ours that says it too. */
  step: string | null;
}

/** Where we say the same of the same object. */
function toldBy(report: Report, said: Message): Told {
  const step = report.steps.find(({ checks }) =>
    checks.some(
      (check) =>
        (check.status === 'fail' || check.status === 'warn') &&
        check.evidence?.some((line) => line.includes(said.code)) &&
        isAbout(check, said.origin),
    ),
  );
  return { ...said, step: step?.id ?? null };
}

/** What istioctl is to find in the meshes that were made for it; nothing of what it finds in others is counted twice. */
const PROVOKED = new Map(analyzedCauses.map(({ name, codes }) => [name, codes]));

const meshes: ReadonlyMap<string, () => Mesh> = new Map([
  ...causeMeshes(),
  ...meshNames().map((name) => [name, () => loadMesh(name)] as const),
]);

describe(`istioctl analyze beside ours, on ${meshes.size} meshes`, () => {
  const examined = examining(meshes, () => false);
  const used = new Set<string>();
  /** Of meshes that lose metrics, and of those that only look so: where ours and theirs is right, and where theirs warns at all. */
  const counts = {
    lost: { meshes: 0, ours: 0, theirs: 0, theyWarn: 0 },
    others: { meshes: 0, ours: 0, theirs: 0, theyWarn: 0 },
  };

  for (const [name, made] of meshes)
    it(name, async () => {
      const { recording, expect } = made();
      const [{ live }, messages] = await Promise.all([examined(name), analyzed(recording.objects)]);
      const told = messages.map((said) => toldBy(live.report, said));
      const isHealthy = listed(expect.verdict).some((each) => each === 'healthy' || each === 'inconclusive');
      const warns = messages.some(({ level }) => level !== 'Info');
      const isFound = told.some(({ step }) => step !== null && step === live.report.lostAt?.step);
      if (!PROVOKED.has(name)) {
        const count = counts[isHealthy ? 'others' : 'lost'];
        count.meshes++;
        if (otherwise(live.report, expect).length === 0) count.ours++;
        if (isHealthy ? !warns : isFound) count.theirs++;
        if (warns) count.theyWarn++;
      }
      const codes = new Set(messages.map(({ code }) => code));
      assert.deepEqual(PROVOKED.get(name)?.filter((code) => !codes.has(code)) ?? [], []);
      const alone = told.filter(({ step }) => step === null);
      for (const { code } of alone) used.add(code);
      const unexplained = alone.filter(
        ({ code }) => !ELSEWHERE.some((each) => each.code === code && (isHealthy || !each.healthyOnly)),
      );
      assert.deepEqual(unexplained, []);
    });

  it('every reason not to say the same is needed', (context) => {
    assert.deepEqual(
      ELSEWHERE.filter(({ code }) => !used.has(code)),
      [],
    );
    for (const [what, { meshes, ours, theirs, theyWarn }] of Object.entries(counts))
      context.diagnostic(
        `${what}: ${meshes} meshes, right: ours ${ours}, istioctl ${theirs}, which warns in ${theyWarn}`,
      );
  });
});
