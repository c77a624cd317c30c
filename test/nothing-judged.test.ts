import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { guide } from '../src/guide/index.ts';
import type { Report } from '../src/report/document.ts';
import type { ReportList } from '../src/report/list.ts';
import { istiodObject, modernMesh, productpageObject } from './support/modern.ts';
import { it } from './support/programs.ts';
import { loadRecording, type RecordedObject, type Recording } from './support/recordings.ts';
import { ran, reported } from './support/run.ts';
import { assertSchema } from './support/schema.ts';
import { type Fault, startStandIn } from './support/stand-in.ts';

const namespace = (name: string): RecordedObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

/** `recording` with those of its objects that `keep` keeps, and an empty namespace. */
const only = (recording: Recording, keep: (object: RecordedObject) => boolean): Recording => ({
  ...recording,
  objects: [...recording.objects.filter(keep), namespace('empty')],
});

const WORKLOADS = new Set(['Pod', 'Service', 'Deployment']);
const isWorkload = ({ kind, metadata }: RecordedObject): boolean =>
  WORKLOADS.has(kind) && !/^istio-system$|^kube-/.test(metadata.namespace ?? '');
const isNoIstio = ({ kind, metadata }: RecordedObject): boolean =>
  kind === 'Namespace' || (WORKLOADS.has(kind) && metadata.namespace === 'kube-system');

const mixer = (): Recording => loadRecording('istio-1.0.6/healthy');
const MESHES: Readonly<Record<string, () => Recording>> = {
  'whole mesh of Mixer': () => only(mixer(), () => true),
  'Mixer without workloads': () => only(mixer(), (object) => !isWorkload(object)),
  'whole mesh of istiod': () => only(modernMesh(istiodObject(), productpageObject()), () => true),
  'istiod without workloads': () => only(modernMesh(istiodObject()), (object) => !isWorkload(object)),
  'cluster without Istio': () => only(mixer(), isNoIstio),
  'cluster of namespaces only': () => only(mixer(), ({ kind }) => kind === 'Namespace'),
};

/** Scopes, and whether nothing can match them in any of the meshes. */
const SCOPES: readonly (readonly [string, boolean])[] = [
  ['', false],
  ['-n bookinfo', false],
  ['-n empty', true],
  ['-n nowhere', true],
  ['-l app=nobody', true],
  ['-n bookinfo -l app=nobody', true],
];

async function withMesh(mesh: Recording, use: (env: { KUBECONFIG: string }) => Promise<void>, fault?: RegExp) {
  const faults = fault ? [{ match: fault, fault: 'forbid' as Fault }] : [];
  const standIn = await startStandIn(mesh, { faults });
  try {
    await use({ KUBECONFIG: standIn.kubeconfig });
  } finally {
    await standIn.close();
  }
}

/** What holds of every report, whatever was asked of whatever cluster. */
function assertHonest(report: Report, of: string): void {
  const { checked } = report.coverage;
  assert.ok(report.verdict !== 'healthy' || checked > 0, `${of}: healthy, and nothing was judged`);
  if (report.verdict !== 'not-applicable') return;
  assert.deepEqual([checked, report.coverage.total, report.exitCode], [0, 0, 4], of);
  assert.equal(report.warnings.filter((each) => each.startsWith('nothing to judge: ')).length, 1, of);
}

describe('no report is healthy that judged nothing', () => {
  for (const [mesh, make] of Object.entries(MESHES)) {
    for (const [scope, fits] of SCOPES) {
      const flags = scope === '' ? [] : scope.split(' ');
      it(`of all topics in a ${mesh}, ${scope || 'whole'}`, async () => {
        await withMesh(make(), async (env) => {
          const { stdout, code } = await ran(['all', ...flags, '-o', 'json'], { env });
          const list = JSON.parse(stdout) as ReportList;
          assertSchema(list);
          assert.equal(list.items.length, guide.length);
          for (const [at, report] of list.items.entries()) {
            assertHonest(report, `${report.topic} ${scope}`);
            const takes = guide[at]?.flags.includes('namespace') === true;
            if (fits && takes) assert.equal(report.verdict, 'not-applicable', report.topic);
          }
          const judged = list.items.filter(({ verdict }) => verdict !== 'not-applicable');
          assert.equal(code === 4, judged.length === 0, `exit ${code}`);
        });
      });
    }
    for (const topic of guide.filter(({ workload }) => workload !== null)) {
      for (const workload of ['service/nobody', 'deployment/nobody', 'pod/nobody', 'statefulset/nobody']) {
        it(`of ${topic.id} ${workload} in a ${mesh}`, async () => {
          await withMesh(make(), async (env) => {
            const { report, code } = await reported([topic.id, workload, '-n', 'bookinfo'], { env });
            assertHonest(report, topic.id);
            assert.deepEqual([code, report.verdict], [4, 'not-applicable']);
            assert.equal(report.mesh.found, !mesh.startsWith('cluster'));
          });
        });
      }
    }
  }
});

describe('a search that was refused', () => {
  for (const [argv, refused] of [
    ['missing-metrics service/nobody -n bookinfo', /^GET \/api\/v1\/services/],
    ['missing-metrics -n empty', /^GET \/api\/v1\/services/],
    ['missing-metrics -l app=nobody', /^GET \/api\/v1\/pods\?.*labelSelector/],
  ] as const) {
    it(`makes ${argv} inconclusive`, async () => {
      const use = async (env: { KUBECONFIG: string }) => {
        const { report, code } = await reported(argv.split(' '), { env });
        assert.deepEqual([code, report.verdict], [3, 'inconclusive']);
        assert.ok(report.unchecked.some(({ reason }) => reason === 'Forbidden'));
      };
      await withMesh(MESHES['Mixer without workloads']?.() as Recording, use, refused);
    });
  }
});

describe('the table of what is not applicable', () => {
  const seen = async (argv: string): Promise<string> => {
    let text = '';
    await withMesh(MESHES['whole mesh of Mixer']?.() as Recording, async (env) => {
      text = (await ran(argv.split(' '), { env })).stdout.replace(/\n {7}/g, ' ');
    });
    return text;
  };
  it('says in one line what was looked for, where, and how to look again', async () => {
    assert.match(
      await seen('missing-metrics -n empty'),
      /^NOTE {3}nothing to judge: no running pods, services, deployments, .* in namespace empty: kubectl -n empty get pods,services$/m,
    );
    assert.match(
      await seen('missing-metrics -l app=nobody -n bookinfo'),
      /^NOTE {3}nothing to judge: no running pod has the labels app=nobody in namespace bookinfo: kubectl get pods -l app=nobody -n bookinfo$/m,
    );
    assert.match(
      await seen('missing-metrics -n nowhere'),
      /nothing to judge: there is no namespace nowhere: kubectl get namespaces$/m,
    );
  });
  it('is neither green nor counted as healthy in all', async () => {
    const text = await seen('all -n empty');
    assert.match(text, /^http10 +SKIP - +not applicable: no running pods/m);
    assert.match(text, /^ALL {2}11 topics: .*\b7 not applicable\./m);
  });
});
