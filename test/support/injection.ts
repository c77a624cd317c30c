import type { InjectionWebhook } from '../../src/evidence/istio/injection.ts';
import type { Webhook } from '../../src/evidence/istio/webhooks.ts';
import { DEFAULT_SETTINGS } from '../../src/istio/injection.ts';
import type { LabelSelector } from '../../src/istio/selector.ts';
import { NOW } from './judging.ts';

export const webhook = (change: Partial<Webhook> = {}): Webhook => ({
  kind: 'mutating',
  configuration: 'istio-sidecar-injector',
  name: 'sidecar-injector.istio.io',
  revision: null,
  service: { namespace: 'istio-system', name: 'istiod', port: 443 },
  url: null,
  ca: { state: 'certificates', pem: 'PEM', expiries: [NOW + 300 * 24 * 3_600_000] },
  failurePolicy: 'Fail',
  namespaces: inside('istio-injection', 'enabled'),
  objects: null,
  createdAt: 0,
  ...change,
});

/** A selector by a label’s values. */
export const inside = (key: string, ...values: readonly string[]): LabelSelector => ({
  matchExpressions: [{ key, operator: 'In', values }],
});

const both = (...selectors: readonly LabelSelector[]): LabelSelector => ({
  matchExpressions: selectors.flatMap(({ matchExpressions }) => matchExpressions ?? []),
});
const absent = (...keys: readonly string[]): LabelSelector => ({
  matchExpressions: keys.map((key) => ({ key, operator: 'DoesNotExist' })),
});
const notFalse = { matchExpressions: [{ key: 'sidecar.istio.io/inject', operator: 'NotIn', values: ['false'] }] };

/** The webhooks of a revision as Istio's charts write them; a tag's, where one is named. */
export function injecting(
  revision = 'default',
  { tag = revision, ...change }: Partial<InjectionWebhook> & { tag?: string } = {},
): readonly InjectionWebhook[] {
  const of = (name: string, namespaces: LabelSelector, objects: LabelSelector): InjectionWebhook => ({
    ...webhook({
      revision,
      configuration: tag === revision ? `istio-sidecar-injector-${revision}` : `istio-revision-tag-${tag}`,
      name: `${name}.sidecar-injector.istio.io`,
      namespaces,
      objects,
    }),
    settings: DEFAULT_SETTINGS,
    missing: null,
    isOwn: true,
    ...change,
  });
  const unlabelled = absent('istio.io/rev', 'istio-injection');
  return [
    of('rev.namespace', both(inside('istio.io/rev', tag), absent('istio-injection')), notFalse),
    of('rev.object', unlabelled, both(notFalse, inside('istio.io/rev', tag))),
    ...(tag === 'default'
      ? [
          of('namespace', inside('istio-injection', 'enabled'), notFalse),
          of('object', unlabelled, both(inside('sidecar.istio.io/inject', 'true'), absent('istio.io/rev'))),
        ]
      : []),
  ];
}
