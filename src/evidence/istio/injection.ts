import { configMaps, typedName } from '../../cluster/question/resources.ts';
import { unanswered } from '../../cluster/question/text.ts';
import { yamlIn } from '../../cluster/question/yaml.ts';
import type { Ask, ControlPlane } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import { DEFAULT_SETTINGS, INJECT, type InjectorSettings } from '../../istio/injection.ts';
import type { LabelSelector } from '../../istio/selector.ts';
import { readKey } from '../kubernetes/config-maps.ts';
import { allNamespaces, allPods } from '../kubernetes/lists.ts';
import { type Pod, proxyOf } from '../kubernetes/pod.ts';
import { selectorIn } from '../kubernetes/selector.ts';
import { selectedPods } from '../kubernetes/workload.ts';
import { list, object, text, texts } from '../text/json.ts';
import { detection } from './detection.ts';
import { injectors, isFirst, mutating, type Webhook } from './webhooks.ts';

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
  /** Those that may be injected, narrowed by -n and -l. */
  pods: readonly Pod[];
  /** Whether this control plane has to answer for pods that no webhook takes. */
  answersForOthers: boolean;
  /** Why not every pod could be listed; null when all were. */
  refusal: Unanswered | null;
}

const NAME = 'istio-sidecar-injector';

/** One that is none the injector leaves out. */
const selectorsIn = (value: unknown): readonly LabelSelector[] => list(value).flatMap((each) => selectorIn(each) ?? []);

const settingsIn = async (config: string): Promise<InjectorSettings> => {
  const { policy, neverInjectSelector, alwaysInjectSelector } = object(await yamlIn(config));
  return { policy: text(policy), never: selectorsIn(neverInjectSelector), always: selectorsIn(alwaysInjectSelector) };
};

/** The ConfigMap of the injector to which a webhook leads (pilot/pkg/bootstrap/sidecarinjector.go). */
export const settingsName = ({ revision }: Pick<Webhook, 'revision'>): string =>
  revision === null || revision === 'default' ? NAME : `${NAME}-${revision}`;

/** Without the ConfigMap nothing is known: of an injector outside of the cluster it lies where that runs. */
async function settingsOf(ask: Ask, webhook: Webhook): Promise<InjectorSettings> {
  const name = settingsName(webhook);
  const namespace = webhook.service?.namespace ?? ask.plane.namespace ?? 'istio-system';
  const settings = await readKey(ask, { name, namespace }, 'config', settingsIn);
  if (settings) return settings;
  const question = { ask: 'object', resource: configMaps, namespace, name } as const;
  throw unanswered(question, 'NotFound', `there is no ConfigMap ${namespace}/${name} with a config`);
}

/**
 * Whether a pod carries the mark of an injector that gave it something else than a container of that name, as the template
 * `grpc-simple` does. One that names the container is copied where the container is not there (pkg/kube/inject/webhook.go,
 * getInjectionStatus).
 */
export function isInjectedOtherwise({ annotations }: Pod): boolean {
  let status: unknown;
  try {
    status = JSON.parse(annotations['sidecar.istio.io/status'] ?? '{}');
  } catch {
    return false;
  }
  const { containers, initContainers } = object(status);
  const names = [...texts(containers), ...texts(initContainers)];
  return names.length > 0 && !names.includes('istio-proxy');
}

/** Whether a pod has a proxy; `auto` is an image that nobody filled in. */
export const hasProxy = (pod: Pod): boolean => (proxyOf(pod)?.image ?? 'auto') !== 'auto' || isInjectedOtherwise(pod);

/** Whether a pod lives, in a namespace of workloads; of control planes’ those that ask to be injected, as gateways do. */
export function mayBeInjected(planes: readonly ControlPlane[]): (pod: Pod) => boolean {
  const controlPlanes = new Set(planes.map(({ namespace }) => namespace));
  return ({ phase, deleting, namespace, labels }) =>
    (phase === 'Running' || phase === 'Pending') &&
    !deleting &&
    (!controlPlanes.has(namespace) || (labels[INJECT] ?? 'false') !== 'false');
}

export const injection = planeSource(
  [{ verb: 'get', resource: typedName(configMaps), name: NAME }],
  async (ask): Promise<Injection> => {
    const { from, scope } = ask;
    const [all, own, namespaces, listed, selected, { all: planes }, answersForOthers] = await Promise.all([
      from(mutating),
      from(injectors),
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
            ? { settings: answer.got, missing: null }
            : { settings: DEFAULT_SETTINGS, missing: answer.missing },
        );
      known.set(key, asked);
      return asked;
    };
    const isJudged = mayBeInjected(planes);
    const isAskedFor = ({ namespace }: Pod): boolean => scope.namespace === null || namespace === scope.namespace;
    return {
      webhooks: await Promise.all(
        all.map(async (webhook) => ({ ...webhook, ...(await told(webhook)), isOwn: own.includes(webhook) })),
      ),
      namespaces: new Map(namespaces.items.map(({ name, labels }) => [name, labels])),
      pods: (selected ?? listed).items.filter((pod) => isAskedFor(pod) && isJudged(pod)),
      answersForOthers,
      refusal: (selected ?? listed).refusal,
    };
  },
);
