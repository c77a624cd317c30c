import { decoded, expiriesIn } from '../../cluster/question/certificates.ts';
import type { KubernetesObject } from '../../cluster/question/cluster.ts';
import type { HandshakeQuestion } from '../../cluster/question/question.ts';
import { mutatingWebhooks, type Resource, typedName, validatingWebhooks } from '../../cluster/question/resources.ts';
import { askJson } from '../../cluster/question/text.ts';
import type { Handshake } from '../../cluster/ways/handshake.ts';
import type { Ask, Attempt, ControlPlane, Source } from '../../diagnosis/check.ts';
import { clusterSource, planeSource, settle } from '../../diagnosis/source.ts';
import { NoAnswer } from '../../errors.ts';
import type { LabelSelector } from '../../istio/selector.ts';
import { allPods, allServices, type Listing, listFirst, selects } from '../kubernetes/lists.ts';
import { isRunning, type Pod } from '../kubernetes/pod.ts';
import { type Service, targetOf } from '../kubernetes/service.ts';
import { controlPlanesOf, detection } from './detection.ts';

/** The certificates that the API server trusts of a webhook. */
export type CaBundle =
  | { state: 'empty' }
  /** Not PEM: its first words. */
  | { state: 'broken'; words: string }
  /** When each expires, in milliseconds since 1970. One that has not is enough for what it has signed. */
  | { state: 'certificates'; pem: string; expiries: readonly number[] };

/** One of Istio's admission webhooks. */
export interface Webhook {
  kind: 'mutating' | 'validating';
  configuration: string;
  name: string;
  revision: string | null;
  service: { namespace: string; name: string; port: number } | null;
  url: string | null;
  ca: CaBundle;
  /** What the API server does when it cannot call it: refuse the object, or admit it as it is. */
  failurePolicy: string;
  /** Which namespaces and which objects it is called for; null for all. */
  namespaces: LabelSelector | null;
  objects: LabelSelector | null;
  /** When its configuration was made, in milliseconds since 1970; 0 where nothing says. */
  createdAt: number;
}

interface RawWebhook {
  name?: string;
  clientConfig?: {
    service?: { namespace?: string; name?: string; port?: number } | null;
    url?: string | null;
    caBundle?: string | null;
  };
  failurePolicy?: string;
  namespaceSelector?: LabelSelector | null;
  objectSelector?: LabelSelector | null;
}

function caOf(text: string): CaBundle {
  if (text === '') return { state: 'empty' };
  const pem = decoded(text);
  const expiries = expiriesIn(pem);
  if (!expiries) return { state: 'broken', words: pem.trim().slice(0, 60) };
  return { state: 'certificates', pem, expiries };
}

/** Istio's webhooks by their names, in every release: `sidecar-injector.istio.io`, `pilot.validation.istio.io`. */
const isIstios = ({ name = '' }: RawWebhook): boolean => /(^|\.)istio\.io$/.test(name);

function webhooksOf(kind: Webhook['kind'], { metadata, webhooks = [] }: KubernetesObject): readonly Webhook[] {
  return (webhooks as readonly RawWebhook[])
    .filter(isIstios)
    .map(({ name = '', clientConfig, failurePolicy, ...selectors }) => {
      const { service, url, caBundle } = clientConfig ?? {};
      return {
        kind,
        configuration: metadata.name,
        name,
        revision: metadata.labels?.['istio.io/rev'] ?? null,
        service: service
          ? { namespace: service.namespace ?? '', name: service.name ?? '', port: service.port ?? 443 }
          : null,
        url: url ?? null,
        ca: caOf(caBundle ?? ''),
        // v1beta1's default; in v1 it is always written.
        failurePolicy: failurePolicy ?? 'Ignore',
        namespaces: selectors.namespaceSelector ?? null,
        objects: selectors.objectSelector ?? null,
        createdAt: Date.parse(metadata.creationTimestamp ?? '') || 0,
      };
    });
}

/** v1, or where that is not served v1beta1 (Kubernetes 1.15 and older). */
function listed(ask: Ask, kind: Webhook['kind']): Promise<Listing<readonly Webhook[]>> {
  const resource = kind === 'mutating' ? mutatingWebhooks : validatingWebhooks;
  const parse = (object: KubernetesObject): readonly Webhook[] => webhooksOf(kind, object);
  return listFirst(ask, [resource('v1'), resource('v1beta1')], parse);
}

const every = (kind: Webhook['kind'], resource: Resource): Source<readonly Webhook[]> =>
  clusterSource([{ verb: 'list', resource: typedName(resource) }], async (ask) =>
    (await listed(ask, kind)).items.flat(),
  );

/** Every webhook of Istio's that changes what is created: those that inject. */
export const mutating = every('mutating', mutatingWebhooks('v1'));
export const validating = every('validating', validatingWebhooks('v1'));

/** Every admission webhook of Istio's, whatever control plane it leads to. */
export const allWebhooks = clusterSource([], async ({ from }): Promise<readonly Webhook[]> => {
  const [changing, refusing] = await Promise.all([from(mutating), from(validating)]);
  return [...changing, ...refusing];
});

/** Whether a webhook is this control plane's: by the namespace it calls, and by the revision where both tell theirs. */
const isOf =
  ({ namespace, revision }: ControlPlane) =>
  (webhook: Webhook): boolean =>
    (webhook.service === null || namespace === null || webhook.service.namespace === namespace) &&
    (webhook.revision === null || revision === null || webhook.revision === revision);

/** Whether this control plane answers for what is none's. */
export const isFirst = planeSource([], async ({ from, plane }): Promise<boolean> => {
  const planes = controlPlanesOf((await from(detection)).planes);
  // Beside a mesh of today an old one is left to itself.
  const first = planes.find(({ generation }) => generation !== 'mixer') ?? planes[0];
  return JSON.stringify(first) === JSON.stringify(plane);
});

const ownOf = (webhooks: Source<readonly Webhook[]>): Source<readonly Webhook[]> =>
  planeSource([], async ({ from, plane }) => {
    const [all, detected, answers] = await Promise.all([from(webhooks), from(detection), from(isFirst)]);
    const planes = controlPlanesOf(detected.all);
    return all.filter((webhook) => isOf(plane)(webhook) || (answers && !planes.some((each) => isOf(each)(webhook))));
  });

/** Those that lead to this control plane. One that leads to none that is there, the first has to answer for. */
export const webhooks = ownOf(allWebhooks);
/** Of those, the ones that inject. */
export const injectors = ownOf(mutating);

/** A webhook, and what stands behind its Service. */
export interface WebhookBackend {
  webhook: Webhook;
  /** null where there is none. */
  service: Service | null;
  /** Running pods behind the Service; null where it has no selector, and its endpoints are somebody's own. */
  pods: readonly Pod[] | null;
  /** The port of the pods that is called. */
  port: number;
}

/** Of the webhooks that call a Service. */
export const webhookBackends = planeSource([], async ({ from }): Promise<readonly WebhookBackend[]> => {
  const [own, services, pods] = await Promise.all([from(webhooks), from(allServices), from(allPods)]);
  return own.flatMap((webhook): readonly WebhookBackend[] => {
    const called = webhook.service;
    if (called === null) return [];
    const service =
      services.items.find(({ name, namespace }) => name === called.name && namespace === called.namespace) ?? null;
    // Absence is a finding only where the answer was complete.
    if (!service && services.refusal) throw new NoAnswer(services.refusal);
    const behind = pods.items.filter(
      (pod) => pod.namespace === called.namespace && isRunning(pod) && selects(service?.selector ?? {}, pod.labels),
    );
    const entrance = service?.ports.find((each) => each.port === called.port);
    const [port = called.port] = entrance ? behind.flatMap((pod) => targetOf(entrance, pod) ?? []) : [];
    if (behind.length === 0 && service && pods.refusal) throw new NoAnswer(pods.refusal);
    const hasSelector = service !== null && Object.keys(service.selector).length > 0;
    return [{ webhook, service, pods: hasSelector ? behind : service === null ? [] : null, port }];
  });
});

/** A TLS handshake as the API server makes it. */
export interface WebhookHandshake {
  webhooks: readonly Webhook[];
  pod: string;
  serverName: string;
  handshake: Attempt<Handshake>;
}

/** With each ready pod behind a webhook that has certificates to trust, once for each name and bundle. */
export const webhookHandshakes = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async ({ cluster, from }): Promise<readonly WebhookHandshake[]> => {
    const asked = new Map<string, { question: HandshakeQuestion; webhooks: Webhook[] }>();
    for (const { webhook, pods, port } of await from(webhookBackends)) {
      if (webhook.ca.state !== 'certificates' || webhook.service === null) continue;
      const serverName = `${webhook.service.name}.${webhook.service.namespace}.svc`;
      for (const { name, namespace } of (pods ?? []).filter(({ ready }) => ready)) {
        const question = { ask: 'handshake', namespace, pod: name, port, serverName, ca: webhook.ca.pem } as const;
        const key = JSON.stringify(question);
        const known: { question: HandshakeQuestion; webhooks: Webhook[] } = asked.get(key) ?? {
          question,
          webhooks: [],
        };
        known.webhooks.push(webhook);
        asked.set(key, known);
      }
    }
    return Promise.all(
      [...asked.values()].map(async ({ question, webhooks }) => ({
        webhooks,
        pod: question.pod,
        serverName: question.serverName,
        handshake: await settle(askJson(cluster, question) as Promise<Handshake>),
      })),
    );
  },
);
