import { dump } from 'js-yaml';
import { drawing } from './lookup.ts';

type Labels = Record<string, string>;

const DATAPLANE = 'istio.io/dataplane-mode';

/** What istio-cni's agents are told, as their ConfigMap has it. */
export interface AgentWords {
  name: string;
  selectors: string;
  excluded: string;
}

const CHART = [
  { podSelector: { matchLabels: { [DATAPLANE]: 'ambient' } } },
  {
    namespaceSelector: { matchLabels: { [DATAPLANE]: 'ambient' } },
    podSelector: { matchExpressions: [{ key: DATAPLANE, operator: 'NotIn', values: ['none'] }] },
  },
];

const expression = (operator: string, ...values: readonly string[]): object => ({
  matchExpressions: [{ key: DATAPLANE, operator, ...(values.length > 0 && { values }) }],
});

const words = (name: string, selectors: readonly (object | undefined)[], excluded = 'kube-system'): AgentWords => ({
  name,
  selectors: dump(selectors),
  excluded,
});

/** The chart's own settings, and what else a mesh may have there. */
export const AGENTS: readonly AgentWords[] = [
  words('the chart’s', CHART),
  words('other namespaces left out', CHART, ' kube-system , shop,,'),
  words('no namespace left out', CHART, ''),
  words('every pod that does not refuse', [{ podSelector: expression('NotIn', 'none') }]),
  words('pods that ask themselves', [CHART[0]]),
  words('namespaces that say something', [{ podSelector: {}, namespaceSelector: expression('Exists') }]),
  words('two selectors of several labels', [
    { namespaceSelector: { matchLabels: { team: 'a' }, ...expression('DoesNotExist') } },
    { podSelector: { matchLabels: { team: 'b' } }, namespaceSelector: expression('In', 'ambient', 'none') },
  ]),
  words('no selector', []),
];

export interface AskingPod {
  namespaceLabels: Labels;
  pod: {
    apiVersion: 'v1';
    kind: 'Pod';
    metadata: { name: string; namespace: string; labels: Labels; annotations: Labels };
    spec: object;
    status: object;
  };
}

const MODES = [undefined, 'ambient', 'ambient', 'none', 'Ambient', 'sidecar', ''];

/** Pods that ask for ambient and that refuse, themselves and by their namespace, in every way. */
export function askingPods(seed: number, number: number): readonly AskingPod[] {
  const draw = drawing(seed);
  const labels = (): Labels => {
    const mode = draw.any(MODES);
    return {
      ...(mode !== undefined && { [DATAPLANE]: mode }),
      ...(draw.chance(0.4) && { team: draw.any(['a', 'b']) }),
    };
  };
  return Array.from({ length: number }, (_, at) => {
    const redirection = draw.any([undefined, undefined, 'enabled', 'pending', 'Enabled', '']);
    return {
      namespaceLabels: labels(),
      pod: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          name: `pod-${at}`,
          namespace: draw.any(['shop', 'shop', 'store', 'istio-system', 'kube-system']),
          labels: { ...labels(), ...(draw.chance(0.2) && { 'sidecar.istio.io/inject': draw.any(['true', 'false']) }) },
          annotations: {
            ...(draw.chance(0.15) && { 'sidecar.istio.io/status': draw.any(['{"revision":"default"}', '']) }),
            ...(redirection !== undefined && { 'ambient.istio.io/redirection': redirection }),
          },
        },
        spec: {
          containers: [
            { name: 'web', image: 'web:1' },
            // A proxy without the injector's mark.
            ...(draw.chance(0.1) ? [{ name: 'istio-proxy', image: 'docker.io/istio/proxyv2:1.31.0' }] : []),
          ],
          ...(draw.chance(0.15) && { hostNetwork: draw.chance(0.8) }),
        },
        status: {},
      },
    };
  });
}
