import { closest } from 'fastest-levenshtein';
import type { Topic } from '../../diagnosis/check.ts';
import { UsageError } from '../../errors.ts';
import { type Entry, guide } from '../../guide/index.ts';
import { type Data, dataText } from '../../report/data.ts';

export interface Rule {
  apiGroups?: string[];
  resources?: string[];
  nonResourceURLs?: string[];
  verbs: string[];
  resourceNames?: string[];
}

/** The API groups of kinds that kubectl takes without one. */
const GROUPS: Readonly<Record<string, string>> = {
  deployments: 'apps',
  statefulsets: 'apps',
  replicasets: 'apps',
  leases: 'coordination.k8s.io',
  mutatingwebhookconfigurations: 'admissionregistration.k8s.io',
  validatingwebhookconfigurations: 'admissionregistration.k8s.io',
};

/** What a rule is made of: where the rights hold is the role's own. */
type Granted = Topic['sources'][number]['rights'][number];

/** What the helpers of `debug` take: without --execute they only read. */
const DEBUG_RIGHTS: readonly Granted[] = [
  { verb: 'list', resource: 'pods' },
  { verb: 'list', resource: 'namespaces' },
  { verb: 'create', resource: 'pods/portforward' },
  { verb: 'get', resource: '/version' },
];

/** Rules by group and verb. */
export function rulesOf(all: readonly Granted[]): readonly Rule[] {
  const rules = new Map<string, Rule & { resources: string[] }>();
  const urls = new Set<string>();
  const whole = new Set(all.flatMap(({ verb, resource, name }) => (name === undefined ? [`${verb} ${resource}`] : [])));
  for (const { verb, resource, name } of all) {
    // Whoever may get all of a kind may get each.
    if (name !== undefined && whole.has(`${verb} ${resource}`)) continue;
    if (resource.startsWith('/')) {
      urls.add(resource);
      continue;
    }
    const [plural = '', ...group] = resource.split('.');
    const apiGroup = GROUPS[plural] ?? group.join('.');
    const key = `${apiGroup} ${verb} ${name !== undefined}`;
    // A port-forward and an exec begin with POST, a tunnel and a WebSocket with GET: API servers differ in what GET takes.
    const verbs = /^pods\/(portforward|exec)$/.test(plural) ? ['create', 'get'] : [verb];
    const rule = rules.get(key) ?? { apiGroups: [apiGroup], resources: [], verbs };
    if (!rule.resources.includes(plural)) rule.resources.push(plural);
    if (name !== undefined) rule.resourceNames = [...new Set([...(rule.resourceNames ?? []), name])];
    rules.set(key, rule);
  }
  // kubectl port-forward, where there are no tunnels, looks at the pod before it forwards.
  if (rules.has(' create false')) rules.set('port-forward', { apiGroups: [''], resources: ['pods'], verbs: ['get'] });
  return [...rules.values(), ...(urls.size > 0 ? [{ nonResourceURLs: [...urls], verbs: ['get'] }] : [])];
}

function topicCalled(id: string): Entry {
  const topic = guide.find((each) => each.id === id);
  if (topic) return topic;
  throw new UsageError(
    `there is no topic ${JSON.stringify(id)}; did you mean ${closest(
      id,
      guide.map((each) => each.id),
    )}?`,
  );
}

/** The topics of a word: one, or `all`. */
export const entriesOf = (id: string): readonly Entry[] => (id === 'all' ? guide : [topicCalled(id)]);

/** The rights that the sources of a topic, or of all, declare. */
async function rightsOf(id: string): Promise<readonly Granted[]> {
  if (id === 'debug') return DEBUG_RIGHTS;
  const topics = await Promise.all(entriesOf(id).map((entry) => entry.load()));
  return topics.flatMap(({ sources }) => sources.flatMap(({ rights }) => rights));
}

/** A ClusterRole with the rights that a topic takes, `debug`, or `all` topics, ready for `kubectl apply -f -`. */
export async function roleText(id: string, format: Data): Promise<string> {
  const rules = rulesOf(await rightsOf(id));
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: `istio-diag-${id}` },
    rules,
  };
  // JSON has no comments.
  if (format === 'json') return dataText(role, format);
  // Of a revision's own there is one more of each.
  const named = rules.flatMap(({ resourceNames = [] }) => resourceNames);
  const revised = ['istio', 'istio-sidecar-injector']
    .filter((name) => named.includes(name))
    .map((name) => `${name}-REVISION`);
  return [
    `# The rights that \`kubectl istio-diag ${id}\` takes: it reads only, and asks for no Secret.`,
    `#   kubectl istio-diag rbac ${id} | kubectl apply -f -`,
    `#   kubectl create clusterrolebinding istio-diag --clusterrole=istio-diag-${id} --user=USER`,
    ...(revised.length > 0
      ? [`# Add ${revised.join(' and ')} for each revision that is installed: resourceNames takes no pattern.`]
      : []),
    await dataText(role, format),
  ].join('\n');
}
