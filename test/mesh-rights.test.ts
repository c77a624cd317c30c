import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { load as parse } from 'js-yaml';
import type { Report } from '../src/report/document.ts';
import { ambientShop } from './support/mesh/ambient/shop.ts';
import { scrapeCauses } from './support/mesh/causes/scrape.ts';
import { built } from './support/mesh/scenario.ts';
import { app, type Spec, shop } from './support/mesh/spec.ts';
import { withStanding } from './support/mesh/standing.ts';
import { it } from './support/programs.ts';
import { ran } from './support/run.ts';
import type { StandInOptions } from './support/stand-in.ts';

process.setMaxListeners(200);

interface Rule {
  apiGroups?: readonly string[];
  resources?: readonly string[];
  verbs: readonly string[];
  resourceNames?: readonly string[];
}

/** The rules that `rbac` prints, one for each kind. */
async function rules(): Promise<readonly Rule[]> {
  const { stdout } = await ran(['rbac', 'missing-metrics']);
  const { rules } = parse(stdout) as { rules: readonly Rule[] };
  return rules.flatMap((rule) => (rule.resources ?? []).map((resource) => ({ ...rule, resources: [resource] })));
}

/** The requests that a rule allows, as the stand-in writes them. */
function allowed({
  apiGroups: [group = ''] = [],
  resources: [resource = ''] = [],
  verbs,
  resourceNames,
}: Rule): string {
  const api = group === '' ? '/api/v1' : `/apis/${group.replaceAll('.', '\\.')}/[^/]+`;
  const [plural = '', sub] = resource.split('/');
  const name = resourceNames ? `(${resourceNames.join('|')})` : '[^/?]+';
  if (verbs.includes('list')) return `GET ${api}(/namespaces/[^/]+)?/${plural}(\\?|$)`;
  const one = `${api}/namespaces/[^/]+/${plural}/${name}`;
  if (sub === undefined) return `GET ${one}(\\?|$)`;
  return verbs.includes('create') ? `UPGRADE ${one}/${sub}(\\?|$)` : `GET ${one}/${sub}(\\?|$)`;
}

/** Refuses whatever none of these rules allows. What kubectl asks of everybody is everybody's right. */
const only = (granted: readonly Rule[]): StandInOptions => ({
  faults: [
    {
      match: new RegExp(
        `^(?!${['GET /version', 'GET /api(/v1)?(\\?|$)', 'GET /apis(/[^/]+/[^/]+)?(\\?|$)', 'PAGE ', 'TUNNEL ', 'EXEC ', ...granted.map(allowed)].join('|')})`,
      ),
      fault: 'forbid',
    },
  ],
});

const cause = (name: string): Spec => {
  const found = scrapeCauses.find((each) => each.name === name);
  assert.ok(found, `there is no mesh where ${name}`);
  return found.spec;
};

const withOutsider = (): Spec => {
  const spec = shop();
  spec.workloads.push(app('naked', { proxy: 'none' }));
  return spec;
};

/** A mesh for each right that matters in some meshes only; the healthy shop for all others. */
const MESHES: Record<string, { spec: () => Spec; resources: readonly string[] }> = {
  'healthy shop': { spec: shop, resources: [] },
  'mesh with a pod outside': { spec: withOutsider, resources: [] },
  'mesh of an operator': {
    spec: () => cause('the PodMonitor has not the label that the Prometheus selects by'),
    resources: ['monitoring.coreos.com prometheuses', 'podmonitors'],
  },
  'mesh of an operator without a PodMonitor': {
    spec: () => {
      const spec = cause('the PodMonitor has not the label that the Prometheus selects by');
      return { ...spec, objects: spec.objects.filter(({ kind }) => kind !== 'PodMonitor') };
    },
    resources: ['servicemonitors'],
  },
  'mesh of ambient': {
    spec: () => {
      // Of 1.23: istiod does not say yet who is bound, and the class says for whom the waypoint is.
      const spec = ambientShop('1.23.0');
      for (const each of spec.ambient?.waypoints ?? []) each.serves = null;
      return spec;
    },
    resources: ['gateway.networking.k8s.io gateways', 'gatewayclasses', 'serviceentries'],
  },
  'mesh with NetworkPolicies': { spec: () => cause('a NetworkPolicy lets nobody in'), resources: ['networkpolicies'] },
};

/** Mixer's kinds and logs, which its own meshes take; what tells what was changed, and changes no verdict (since.test.ts); and what a tunnel makes needless (kubectl port-forward looks at the pod first). */
const isNoneOfTheirs = ({ apiGroups: [group] = [], resources: [resource] = [], verbs }: Rule): boolean =>
  group === 'config.istio.io' ||
  resource === 'pods/log' ||
  resource === 'events' ||
  resource === 'replicasets' ||
  (resource === 'pods' && verbs.includes('get'));

const nameOf = ({ apiGroups: [group = ''] = [], resources: [resource = ''] = [] }: Rule): string =>
  group === '' ? resource : `${resource}.${group}`;

const refused = ({ unchecked }: Report): readonly string[] =>
  unchecked
    .filter(({ reason, triedInstead }) => reason === 'Forbidden' || /forbidden/i.test(triedInstead.join()))
    .map(({ verb, resource }) => `${verb} ${resource}`);

/** What was said of each question. A failure that is found all the same is told with less. */
const answers = ({ steps }: Report): string =>
  JSON.stringify(
    steps.flatMap(({ checks }) => checks.map(({ id, status, reason, hint }) => [id, status, reason, hint])),
  );

const meshFor = ({ apiGroups: [group] = [], resources: [resource = ''] = [] }: Rule): string =>
  Object.entries(MESHES).find(
    ([, { resources }]) => resources.includes(resource) || resources.includes(`${group} ${resource}`),
  )?.[0] ?? 'healthy shop';

describe('the rights that `rbac` prints, on a mesh of today', { concurrency: 4 }, () => {
  for (const [name, { spec }] of Object.entries(MESHES)) {
    it(`are all that a ${name} takes, and each of them tells something`, async () => {
      const granted = await rules();
      await withStanding(built('rights', spec()), async (mesh) => {
        const { report: whole } = await mesh.look({ options: only(granted) });
        assert.deepEqual(refused(whole), []);
        for (const rule of granted.filter((each) => !isNoneOfTheirs(each) && meshFor(each) === name)) {
          // What is granted by name is granted of all ConfigMaps, too: both are taken away.
          const left = granted.filter(
            (each) => nameOf(each) !== nameOf(rule) || each.verbs.join() !== rule.verbs.join(),
          );
          const { report, code } = await mesh.look({ options: only(left) });
          const what = `${rule.verbs.join()} ${nameOf(rule)}`;
          assert.notEqual(report.verdict, 'healthy', what);
          assert.ok(code === 3 || code === 1, `${what}: ${code}`);
          assert.ok(refused(report).length > 0 || answers(report) !== answers(whole), `${what}: ${report.verdict}`);
          // What was found with all rights and does not need this one is still found.
          for (const { step, check } of report.losses as readonly { step: string; check?: string }[])
            assert.ok(
              whole.losses.some((loss) => loss.step === step),
              `${what} is a loss at ${step} ${check}`,
            );
        }
      });
    });
  }
});
