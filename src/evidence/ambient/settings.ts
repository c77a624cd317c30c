import { configMaps, typedName } from '../../cluster/question/resources.ts';
import { yamlIn } from '../../cluster/question/yaml.ts';
import { clusterSource } from '../../diagnosis/source.ts';
import { DATAPLANE, DEFAULT_ENROLMENT, type EnrolmentSettings } from '../../istio/enrolment.ts';
import { isAtLeast } from '../../istio/release.ts';
import { releaseIn } from '../istio/detection.ts';
import { parsed, readData } from '../kubernetes/config-maps.ts';
import { allPods } from '../kubernetes/lists.ts';
import { selectorIn } from '../kubernetes/selector.ts';
import { list } from '../text/json.ts';
import { isNodeAgent } from './nodes.ts';

/** The ConfigMap that istio-cni's agents read (manifests/charts/istio-cni/templates/configmap-cni.yaml). */
export const AGENTS_MAP = 'istio-cni-config';

/** What istio-cni's agents are told. */
export interface AgentSettings extends EnrolmentSettings {
  /** Whether they enrol any pod: they may be there for sidecars alone. */
  isAmbient: boolean;
  /** Whether ztunnel answers when pods ask for names: since 1.25 unless it is switched off. */
  isDns: boolean;
  /** Where that is said; null where there is no agent. */
  namespace: string | null;
}

const selectorsIn = async (text: string): Promise<EnrolmentSettings['selectors']> =>
  list(await yamlIn(text)).map(({ podSelector, namespaceSelector }) => ({
    pods: selectorIn(podSelector),
    namespaces: selectorIn(namespaceSelector),
  }));

/** Before 1.22 a pod’s own label neither asks nor keeps it out (cni/pkg/util/podutil.go of those releases). */
const BY_NAMESPACE: EnrolmentSettings['selectors'] = [
  { pods: null, namespaces: { matchLabels: { [DATAPLANE]: 'ambient' } } },
];

const namesIn = (text: string): readonly string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

/** Without an agent, or where a release does not tell, as the chart has it. Throws NoAnswer where they may not be read. */
export const agentSettings = clusterSource(
  [{ verb: 'get', resource: typedName(configMaps), name: AGENTS_MAP }],
  async (ask): Promise<AgentSettings> => {
    const agent = (await ask.from(allPods)).items.find(isNodeAgent);
    if (!agent) return { ...DEFAULT_ENROLMENT, isAmbient: true, isDns: true, namespace: null };
    const { namespace } = agent;
    const release = releaseIn(agent, 'install-cni');
    const knows = (since: string): boolean => release === null || isAtLeast(release, since);
    const map = { name: AGENTS_MAP, namespace };
    const {
      AMBIENT_ENABLED: enabled,
      AMBIENT_DNS_CAPTURE: dns,
      AMBIENT_ENABLEMENT_SELECTOR: selectors,
      EXCLUDE_NAMESPACES: excluded,
    } = (await readData(ask, map)) ?? {};
    return {
      namespace,
      isAmbient: enabled !== 'false',
      isDns: dns === undefined ? knows('1.25') : dns === 'true',
      selectors:
        selectors === undefined
          ? knows('1.22')
            ? DEFAULT_ENROLMENT.selectors
            : BY_NAMESPACE
          : await parsed(map, 'AMBIENT_ENABLEMENT_SELECTOR', selectors, selectorsIn),
      // Before, they went by it for sidecars alone.
      excluded: !knows('1.30') ? [] : excluded === undefined ? DEFAULT_ENROLMENT.excluded : namesIn(excluded),
      isAnnotationOptOut: !knows('1.22'),
    };
  },
);
