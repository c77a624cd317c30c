import { configMaps, typedName } from '../cluster/resources.ts';
import { yamlIn } from '../cluster/yaml.ts';
import type { Ask } from '../diagnosis/check.ts';
import { planeSource, settle } from '../diagnosis/source.ts';
import type { Unanswered } from '../errors.ts';
import { DEFAULT_SETTINGS, INJECT, type InjectorSettings } from '../istio/injection.ts';
import type { LabelSelector } from '../istio/selector.ts';
import { readKey } from './config-maps.ts';
import { detection } from './istio.ts';
import { list, object, text, texts } from './json.ts';
import { allNamespaces, allPods } from './kubernetes.ts';
import { type Pod, proxyOf } from './pod.ts';
import { allWebhooks, isFirst, type Webhook, webhooks } from './webhooks.ts';
import { selectedPods } from './workload.ts';

/** One of Istio's injection webhooks, and what the injector behind it is told. */
export interface InjectionWebhook extends Webhook {
  /** As the charts have it where that could not be read. */
  settings: InjectorSettings;
  /** Why its settings could not be read; null where they were. */
  missing: Unanswered | null;
  /** Whether it leads to this control plane. */
  isOwn: boolean;
}

/** What decides which pods get a proxy. */
export interface Injection {
  /** All of the cluster. */
  webhooks: readonly InjectionWebhook[];
  /** The labels of each namespace. */
  namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Those that live, in the namespaces of workloads; of control planes’ those that ask to be injected, as gateways do. */
  pods: readonly Pod[];
  /** Whether this control plane has to answer for pods that no webhook takes. */
  answersForOthers: boolean;
  /** Why not every pod could be listed; null when all were. */
  refusal: Unanswered | null;
}

const NAME = 'istio-sidecar-injector';

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

/** Those that are selectors: others the injector leaves out. */
const selectorsIn = (value: unknown): readonly LabelSelector[] =>
  list(value)
    .map(({ matchLabels, matchExpressions }) => ({
      matchLabels: object(matchLabels) as Record<string, string>,
      matchExpressions: list(matchExpressions).map(({ key, operator, values }) => ({
        key: text(key),
        operator: text(operator),
        values: texts(values),
      })),
    }))
    .filter(({ matchExpressions }) => matchExpressions.every(({ operator }) => OPERATORS.includes(operator)));

const settingsIn = async (config: string): Promise<InjectorSettings> => {
  const { policy, neverInjectSelector, alwaysInjectSelector } = object(await yamlIn(config));
  return { policy: text(policy), never: selectorsIn(neverInjectSelector), always: selectorsIn(alwaysInjectSelector) };
};

/** The ConfigMap of the injector to which a webhook leads (pilot/pkg/bootstrap/sidecarinjector.go). */
export const settingsName = ({ revision }: Webhook): string =>
  revision === null || revision === 'default' ? NAME : `${NAME}-${revision}`;

const settingsOf = (ask: Ask, webhook: Webhook): Promise<InjectorSettings | null> =>
  readKey(
    ask,
    { name: settingsName(webhook), namespace: webhook.service?.namespace ?? ask.plane.namespace },
    'config',
    settingsIn,
  );

/** Whether a pod has a proxy: an injector's mark, or a container; `auto` is an image that nobody filled in. */
export const hasProxy = (pod: Pod): boolean =>
  pod.annotations['sidecar.istio.io/status'] !== undefined || (proxyOf(pod)?.image ?? 'auto') !== 'auto';

export const injection = planeSource(
  [{ verb: 'get', resource: typedName(configMaps), name: NAME }],
  async (ask): Promise<Injection> => {
    const { from, scope } = ask;
    const [all, own, namespaces, listed, selected, { all: planes }, answersForOthers] = await Promise.all([
      from(allWebhooks),
      from(webhooks),
      from(allNamespaces),
      from(allPods),
      from(selectedPods),
      from(detection),
      from(isFirst),
    ]);
    const known = new Map<string, Promise<Pick<InjectionWebhook, 'settings' | 'missing'>>>();
    const told = (webhook: Webhook): Promise<Pick<InjectionWebhook, 'settings' | 'missing'>> => {
      const key = JSON.stringify([webhook.revision, webhook.service?.namespace]);
      const asked =
        known.get(key) ??
        settle(settingsOf(ask, webhook)).then((answer) =>
          'got' in answer
            ? { settings: answer.got ?? DEFAULT_SETTINGS, missing: null }
            : { settings: DEFAULT_SETTINGS, missing: answer.missing },
        );
      known.set(key, asked);
      return asked;
    };
    const controlPlanes = new Set(planes.map(({ namespace }) => namespace));
    const isJudged = (pod: Pod): boolean =>
      (pod.phase === 'Running' || pod.phase === 'Pending') &&
      !pod.deleting &&
      (scope.namespace === null || pod.namespace === scope.namespace) &&
      (!controlPlanes.has(pod.namespace) || (pod.labels[INJECT] ?? 'false') !== 'false');
    return {
      webhooks: await Promise.all(
        all
          .filter(({ kind }) => kind === 'mutating')
          .map(async (webhook) => ({ ...webhook, ...(await told(webhook)), isOwn: own.includes(webhook) })),
      ),
      namespaces: new Map(namespaces.items.map(({ name, labels }) => [name, labels])),
      pods: (selected ?? listed).items.filter(isJudged),
      answersForOthers,
      refusal: (selected ?? listed).refusal,
    };
  },
);
