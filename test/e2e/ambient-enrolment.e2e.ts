import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { trim } from '../../src/cluster/bundle/trim.ts';
import type { KubernetesObject } from '../../src/cluster/question/cluster.ts';
import { agentSettings } from '../../src/evidence/ambient/settings.ts';
import { podOf } from '../../src/evidence/kubernetes/pod.ts';
import { enrolmentOf, REDIRECTION } from '../../src/istio/enrolment.ts';
import { AGENTS, type AgentWords, type AskingPod, askingPods } from '../support/enrolment.ts';
import { podObject } from '../support/modern.ts';
import { askOf } from './asking.ts';
import { BIN, ISTIO } from './build.ts';

/** `ENROLMENT_SEED=7 ENROLMENT_PODS=5000 npm run e2e -- ambient-enrolment` tries others, and more of them. */
const SEED = Number(process.env.ENROLMENT_SEED ?? 1);
const NUMBER = Number(process.env.ENROLMENT_PODS ?? 300);

/** Of one pod, by Istio's own functions. */
interface Theirs {
  shouldBeEnabled: boolean;
  fullyEnrolled: boolean;
  partiallyEnrolled: boolean;
}

const theirsOf = ({ selectors, excluded }: AgentWords, pods: readonly AskingPod[]): readonly Theirs[] => {
  const input = JSON.stringify({ selectors, excluded, pods });
  return JSON.parse(execFileSync(join(BIN, 'enrolment'), { input, maxBuffer: 1e8 }).toString()) as readonly Theirs[];
};

/** An agent's pod, and its ConfigMap. */
const agent = ({ selectors, excluded }: AgentWords): readonly KubernetesObject[] => [
  podObject('istio-cni-node-abcde', {
    namespace: 'istio-system',
    labels: { 'k8s-app': 'istio-cni-node' },
    containers: [{ name: 'install-cni', image: `docker.io/istio/install-cni:${ISTIO}` }],
  }) as KubernetesObject,
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'istio-cni-config', namespace: 'istio-system' },
    data: { AMBIENT_ENABLED: 'true', AMBIENT_ENABLEMENT_SELECTOR: selectors, EXCLUDE_NAMESPACES: excluded },
  },
];

describe(`which pods Istio’s agents enrol, seed ${SEED}`, () => {
  const pods = askingPods(SEED, NUMBER);
  const reasons = new Map<string, number>();
  for (const words of AGENTS)
    it(`by agents that are told: ${words.name}`, async () => {
      const settings = await askOf(agent(words)).from(agentSettings);
      const theirs = theirsOf(words, pods);
      assert.equal(theirs.length, pods.length);
      const wrong = pods.flatMap((asking, at) => {
        const pod = podOf(trim('pods', asking.pod));
        const enrolment = enrolmentOf(pod, asking.namespaceLabels, settings);
        reasons.set(enrolment, (reasons.get(enrolment) ?? 0) + 1);
        const redirection = pod.annotations[REDIRECTION];
        const ours: Theirs = {
          shouldBeEnabled: enrolment === 'enrolled',
          fullyEnrolled: redirection === 'enabled',
          partiallyEnrolled: redirection === 'pending',
        };
        const [said, made] = [theirs[at], ours].map((each) => JSON.stringify(each));
        return said === made ? [] : [`${JSON.stringify(asking)}: Istio ${said}, we ${made} (${enrolment})`];
      });
      assert.deepEqual(wrong, []);
    });

  it('compared pods that are enrolled, and every reason why not', () => {
    process.stdout.write(`# ${JSON.stringify(Object.fromEntries(reasons))}\n`);
    for (const each of ['enrolled', 'not-asked', 'opted-out', 'excluded-namespace', 'host-network', 'sidecar'])
      assert.ok(NUMBER < 300 || (reasons.get(each) ?? 0) > 10, each);
  });
});
