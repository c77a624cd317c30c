import type { Answer, KubernetesObject } from '../../src/cluster/question/cluster.ts';
import type { ListQuestion, ObjectQuestion } from '../../src/cluster/question/question.ts';
import type { Ask, Source } from '../../src/diagnosis/check.ts';
import { meshConfig } from '../../src/evidence/kubernetes/config-maps.ts';
import { plane, scope } from '../support/judging.ts';

const pluralOf = ({ kind = '' }: KubernetesObject): string =>
  kind === 'ServiceEntry' ? 'serviceentries' : `${kind.toLowerCase()}${kind.endsWith('s') ? 'es' : 's'}`;

/** An object as the API server answers with it. */
const answered = (object: KubernetesObject | undefined): Answer => ({
  status: object === undefined ? 404 : 200,
  contentType: 'application/json',
  body: (async function* () {
    yield Buffer.from(JSON.stringify(object ?? {}));
  })(),
});

/** The product's own sources, asked of objects that were listed already. */
export function askOf(items: readonly KubernetesObject[]): Ask {
  const gathered = new Map<Source<unknown>, Promise<unknown>>();
  const ask: Ask = {
    cluster: {
      list: ({ resource }: ListQuestion) =>
        Promise.resolve(
          items.filter(
            (item) =>
              pluralOf(item) === resource.plural &&
              // Istio and the Gateway API call two kinds the same.
              (resource.plural !== 'gateways' || resource.group === String(item.apiVersion).split('/')[0]),
          ),
        ),
      read: ({ resource, name, namespace }: ObjectQuestion) =>
        Promise.resolve(
          answered(
            items.find(
              (item) =>
                pluralOf(item) === resource.plural &&
                item.metadata.name === name &&
                item.metadata.namespace === namespace,
            ),
          ),
        ),
    } as unknown as Ask['cluster'],
    scope,
    plane: { ...plane, generation: 'telemetry-v2', version: '1.31.0', revision: 'default' },
    whose: 'asked',
    now: Date.now(),
    limited: () => undefined,
    sleep: () => Promise.resolve(),
    from: <T>(source: Source<T>): Promise<T> => {
      // This istiod's settings are a file's: there is no ConfigMap.
      const known =
        gathered.get(source) ?? (source === (meshConfig as unknown) ? Promise.resolve(null) : source.gather(ask));
      gathered.set(source, known);
      return known as Promise<T>;
    },
  };
  return ask;
}
