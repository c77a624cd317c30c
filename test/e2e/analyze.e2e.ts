import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { CheckReport, Report } from '../../src/report/document.ts';
import { causeMeshes } from '../support/mesh/causes/all.ts';
import { analyzedCauses } from '../support/mesh/causes/analyzed.ts';
import { examining } from '../support/mesh/examined.ts';
import { listed } from '../support/mesh/expectation.ts';
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

/** How many of them run at a time. */
const AT_ONCE = 3;

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

/** Whether it is of what was asked for: istioctl looks at every namespace. */
function isAsked({ namespace }: Report['run']['scope'], { origin }: Message): boolean {
  const [kind, name = ''] = origin.split(' ');
  const [own] = name.split('/');
  return namespace === null || own === namespace || (kind !== 'Pod' && kind !== 'Service' && kind !== 'Namespace');
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

/** Answers for meshes of the same objects once: many differ in what their pages say alone. */
function onceFor(
  objects: readonly RecordedObject[],
  known: Map<string, Promise<readonly Message[]>>,
): Promise<readonly Message[]> {
  const key = createHash('sha1').update(JSON.stringify(objects)).digest('hex');
  const asked = known.get(key) ?? analyzed(objects);
  known.set(key, asked);
  return asked;
}

/** Whether it is explained wherever it is told, so that what we say need not be looked at. */
const isExplained = ({ code }: Message): boolean => ELSEWHERE.some((each) => each.code === code && !each.healthyOnly);

describe(`istioctl analyze beside ours, on ${meshes.size} meshes`, () => {
  const messages = new Map<string, readonly Message[]>();
  let examined: ReturnType<typeof examining>;
  const used = new Set<string>();

  before(async () => {
    const known = new Map<string, Promise<readonly Message[]>>();
    const waiting = [...meshes];
    const worker = async (): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift())
        messages.set(next[0], await onceFor(next[1]().recording.objects, known));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    const told = [...meshes].filter(
      ([name]) => PROVOKED.has(name) || messages.get(name)?.some((each) => !isExplained(each)),
    );
    examined = examining(new Map(told), () => false);
  });

  for (const [name, made] of meshes)
    it(name, async () => {
      const said = messages.get(name) ?? [];
      const codes = new Set(said.map(({ code }) => code));
      assert.deepEqual(PROVOKED.get(name)?.filter((code) => !codes.has(code)) ?? [], []);
      for (const each of said.filter(isExplained)) used.add(each.code);
      if (!PROVOKED.has(name) && said.every(isExplained)) return;
      const { live } = await examined(name);
      const asked = said.filter((each) => isAsked(live.report.run.scope, each));
      const alone = asked.map((each) => toldBy(live.report, each)).filter(({ step }) => step === null);
      for (const { code } of alone) used.add(code);
      const isHealthy = listed(made().expect.verdict).some((each) => each === 'healthy' || each === 'inconclusive');
      const unexplained = alone.filter(
        ({ code }) => !ELSEWHERE.some((each) => each.code === code && (isHealthy || !each.healthyOnly)),
      );
      assert.deepEqual(unexplained, []);
    });

  it('every reason not to say the same is needed', () => {
    assert.deepEqual(
      ELSEWHERE.filter(({ code }) => !used.has(code)),
      [],
    );
  });
});
