import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { Patience } from '../../src/cluster/ways/deadline.ts';
import type { Kubectl } from '../../src/cluster/ways/kubectl-process.ts';
import { planOf } from '../../src/commands/diagnose/plan.ts';
import { causeMeshes } from '../support/mesh/causes/all.ts';
import { examining } from '../support/mesh/examined.ts';
import type { Mesh } from '../support/meshes.ts';
import { assertSchema } from '../support/schema.ts';
import { BIN } from './build.ts';
import { startCluster, type TestCluster } from './cluster.ts';
import { type Held, holding } from './held.ts';
import { mendedBy } from './mended.ts';
import { tryLines } from './tried.ts';
import { report, runOn, started } from './user.ts';

/** What `missing-metrics` prints to heal each mesh, `CHECK REASON: LINE`: test/causes.test.ts holds it against live runs. */
const FIXES = JSON.parse(readFileSync(new URL('../golden/fixes/causes.json', import.meta.url), 'utf8')) as Record<
  string,
  readonly string[]
>;

/** What it prints to look at more. */
const LOOKS = JSON.parse(readFileSync(new URL('../golden/fixes/looks.json', import.meta.url), 'utf8')) as typeof FIXES;

/** What a person does in the editor that a line opens, by its own words. */
const EDITS: readonly [words: RegExp, editor: (found: RegExpExecArray) => string][] = [
  [/# take out disabled: true/, () => `sed -i '/disabled: true/d'`],
  [/# providers: (\w+)$/, ([, name]) => `sed -i -E '/providers:/{n;s/name: .*/name: ${name}/}'`],
  [/# url: ([\w.:/-]+);/, ([, url]) => `sed -i -E 's#url: http[^ ]+#url: ${url}#'`],
  [/# captureMode$/, () => `sed -i '/captureMode/d'`],
  [/# allowedRoutes\.namespaces\.from/, () => `sed -i 's/from: Same/from: All/'`],
  [/# ztunnel’s is (ztunnel-stats)/, ([, port]) => `sed -i -E 's/port: .*/port: ${port}/'`],
  [/# defaultProviders\.metrics: (\w+)$/, ([, name]) => `sed -i -E '/metrics:/{n;s/- .*/- ${name}/}'`],
  [/# of its template: (\S+): /, ([, key]) => `sed -i '/${key?.replace('/', '.')}/d'`],
  [
    /# admit the same callers at port (15008)/,
    ([, port]) => `sed -i -E 's/^( *)- port: .*/\\1- port: ${port}\\n\\1  protocol: TCP\\n&/'`,
  ],
  [
    /istio-proxy\.checks: ("use_latest_spec"): true$/,
    ([, key]) => `sed -i -E 's/${key}:false/${key}:true/; t; s/"istio_mesh_endpoint"/${key}:true,&/'`,
  ],
  [/# discoverySelectors of mesh/, () => `sed -i -E 's/^( *)discoverySelectors:$/&\\n\\1  - {}/'`],
  [/# spec\.addresses;/, () => `sed -i -E 's/^spec:/spec:\\n  addresses: [240.1.2.3]/'`],
];

/** KUBE_EDITOR for a line: one that changes nothing where its words leave it to a person's judgement. */
const editorOf = (line: string): string => {
  for (const [words, editor] of EDITS) {
    const found = words.exec(line);
    if (found) return editor(found);
  }
  return 'true';
};

const NEW_PODS = 'pods that are made anew, which the injector gives a proxy';
const PAGES = 'what istiod, proxies or Prometheus say afterwards: their pages are recorded';
const JUDGEMENT = 'a person, who decides in the editor what is meant';

/** What is not healed by the objects that a line changes alone, and what else that takes. */
const TAKES_MORE: Readonly<Record<string, string>> = {
  OlderThanWebhook: NEW_PODS,
  StatsFilterVersionMismatch: NEW_PODS,
  MigrationHalfDone: NEW_PODS,
  MostCallersUnknown: NEW_PODS,
  AskedThroughZtunnel: PAGES,
  PeerIsGateway: PAGES,
  PageInvalid: 'another release of Istio',
  WindowTooShort: JUDGEMENT,
  WaypointDenies: JUDGEMENT,
  TelemetryNotForWaypoint: JUDGEMENT,
  WaypointsNotAskedFor: JUDGEMENT,
};

const PATIENCE: Patience = { request: 20_000, run: new AbortController().signal };

/** It would install a release of Istio, and asks first. */
const INSTALLS = /^istioctl upgrade /;

const readOf = (fix: string): { check: string; reason: string; line: string } => {
  const [, check = '', reason = '', line = ''] = /^(\S+) (\S+): (.*)$/s.exec(fix) ?? assert.fail(fix);
  return { check, reason, line };
};

describe('every fix that is printed', () => {
  let cluster: TestCluster;
  let held: Held;
  const meshes = causeMeshes();
  const healed = new Map<string, () => Mesh>();
  let foreseen = 0;
  const kubectl = (): Kubectl => ({
    program: 'kubectl',
    flags: ['--kubeconfig', cluster.kubeconfig],
    env: process.env,
  });
  before(async () => {
    cluster = await startCluster();
    held = await holding(
      cluster,
      [...meshes.values()].map((mesh) => mesh().recording),
    );
  });
  after(() => cluster.close());

  for (const [name, fixes] of Object.entries(FIXES)) {
    it(`runs on the mesh that it is for: ${name}`, async () => {
      const mesh = meshes.get(name)?.() ?? assert.fail(name);
      await held.hold(mesh.recording.objects);
      const before = await held.now();
      for (const fix of fixes) {
        const { line } = readOf(fix);
        const plan = await planOf(line, kubectl(), PATIENCE);
        const ran = await started('bash', ['-c', `set -e -o pipefail; ${line}`], {
          KUBECONFIG: cluster.kubeconfig,
          KUBE_EDITOR: editorOf(line),
          PATH: `${BIN}:${process.env.PATH}`,
        });
        if (INSTALLS.test(line)) assert.match(ran.stdout, /will install the Istio .*Proceed\?/);
        else assert.equal(ran.code, 0, `${line}\n${ran.stdout}${ran.stderr}`);
        if (plan.unforeseen.length > 0) continue;
        // What was planned is there now: once more, it would change nothing.
        foreseen++;
        assert.ok(plan.diff.length > 0, line);
        const { diff, unforeseen } = await planOf(line, kubectl(), PATIENCE);
        assert.ok(
          line.startsWith('echo ') ? unforeseen[0]?.startsWith('kubectl apply -f -: there is ') : diff.length === 0,
          line,
        );
      }
      mendedBy(mesh.recording, before, await held.now());
      healed.set(name, () => mesh);
    });
  }

  it('has beside it what shows more, which the real programs take', async () => {
    let ran = 0;
    for (const [name, looks] of Object.entries(LOOKS)) {
      await held.hold((meshes.get(name)?.() ?? assert.fail(name)).recording.objects);
      ran += await tryLines(
        runOn(cluster.kubeconfig),
        looks.map((look) => readOf(look).line),
      );
    }
    assert.ok(ran > 20, `${ran} were run`);
  });

  it('is planned as kubectl diff shows it, and nothing is applied', async () => {
    assert.ok(foreseen > 20, `${foreseen} were foreseen`);
    const mesh = meshes.get('the Telemetry that would enable metrics is labelled with a tag')?.() ?? assert.fail();
    await held.hold(mesh.recording.objects, true);
    const before = await held.now();
    const args = ['istio-diag', 'missing-metrics', '--plan', '--fail-on=never'];
    const { stdout } = await started('kubectl', args, { KUBECONFIG: cluster.kubeconfig });
    const told =
      /^PLAN {2}\(nothing was applied\)\n# kubectl -n istio-system label telemetries\S* mesh-default istio\.io\/rev=default.*\n--- live\/Telemetry\/istio-system\/mesh-default\n\+\+\+ planned\/Telemetry\/istio-system\/mesh-default\n@@ /m;
    assert.match(stdout, told);
    assert.match(stdout, /^-\s+istio\.io\/rev: (?!default)\S+\n\+\s+istio\.io\/rev: default$/m);
    assert.deepEqual(await held.now(), before);
    const { report: made } = await report(cluster.kubeconfig, ['missing-metrics', '--plan']);
    assertSchema(made);
    assert.equal(made.plan?.length, 1);
  });

  it('heals, but for what takes more than the objects that it changes', async () => {
    const examined = examining(healed, () => false);
    const left: string[] = [];
    let mended = 0;
    for (const name of healed.keys()) {
      const { live } = await examined(name);
      const found = live.report.steps.flatMap(({ checks }) =>
        checks.flatMap(({ id, status, reason, hint }) =>
          status === 'fail' || status === 'warn' ? [`${id} ${reason}: ${hint}`] : [],
        ),
      );
      for (const fix of FIXES[name] ?? []) {
        const { check, reason, line } = readOf(fix);
        if (!found.some((each) => each.startsWith(`${check} ${reason}: `))) mended++;
        // Where another object does the same, or a recorded page still says so, another line is next.
        else if (found.includes(fix)) left.push(reason in TAKES_MORE ? reason : `${name}: ${check} ${reason}: ${line}`);
      }
    }
    assert.deepEqual([...new Set(left)].sort(), Object.keys(TAKES_MORE).sort());
    assert.ok(mended > 50, `${mended} healed`);
  });
});
