import { defineCheck } from '../../diagnosis/check.ts';
import { count, isSome, skip, some, sorted, unknown } from '../../diagnosis/verdict.ts';
import { askedEnvoys, type Envoy, nameOf, sampleOf } from '../../evidence/envoy/asked.ts';
import { type Descriptors, envoyDescriptors } from '../../evidence/envoy/descriptors.ts';
import { releaseIn } from '../../evidence/istio/detection.ts';
import { isAtLeast } from '../../istio/release.ts';

/** The guide's own number. */
const ENOUGH = 16_384;

/** What Envoys may use more than, of their limit. */
const [MUCH, NEARLY_ALL] = [0.7, 0.9];

interface Used extends Envoy, Descriptors {}

const wordsOf = (each: Used): string => `${nameOf(each)} has ${each.open} of ${each.soft} open`;

export const descriptorsSuffice = defineCheck({
  id: 'descriptors-suffice',
  title: 'Envoys have file descriptors left',
  explains:
    'Runs one read-only line in the container of a few proxies (--sample) that prints, of each process of Envoy, its limit of open files and how many are open: the limit of PID 1 is the agent’s. Istio 1.22 to 1.26 has the agent raise it, from 1.27 on Envoy does; before, containerd 2.0 leaves 1024.',
  reasons: {
    DescriptorsNearlyGone: 'Envoy has nearly as many files open as it may: the next connections fail, or end it.',
    LimitUnseen: 'Nothing can be run in the container, and before Istio 1.22 nobody raises the limit: it may be 1024.',
    DescriptorsUsed: 'Envoy has more than 70 percent of its file descriptors open.',
    LimitLow: 'Envoy may open fewer files than the guide advises (16384).',
  },
  needs: { descriptors: envoyDescriptors, asked: askedEnvoys },
  judge({ descriptors, asked }, { plane }) {
    if (descriptors.length === 0) return skip('no proxy to ask');
    const seen = descriptors.flatMap(({ said, ...envoy }): Used[] =>
      'got' in said ? said.got.map((each) => ({ ...envoy, ...each })) : [],
    );
    const share = ({ open, soft }: Used): number => open / soft;
    const evidence = seen.map((each) => `${wordsOf(each)}, ${each.hard} at most`);
    const hint =
      '# on the node: [Service] LimitNOFILE=1048576 in a drop-in of containerd or docker, then restart the pod; or Istio 1.22 and newer, which raises the limit';
    const gone = seen.filter((each) => share(each) >= NEARLY_ALL || (share(each) >= MUCH && each.soft < ENOUGH));
    if (gone.length > 0)
      return { status: 'fail', reason: 'DescriptorsNearlyGone', message: some(gone.map(wordsOf)), evidence, hint };
    const used = seen.filter((each) => share(each) >= MUCH);
    if (used.length > 0)
      return { status: 'warn', reason: 'DescriptorsUsed', message: some(used.map(wordsOf)), evidence, hint };
    const low = seen.filter(({ soft }) => soft < ENOUGH);
    if (low.length > 0) return { status: 'warn', reason: 'LimitLow', message: some(low.map(wordsOf)), evidence, hint };
    const { missing } = sorted(descriptors.map(({ said }) => said));
    if (!isSome(missing))
      return { status: 'pass', message: `${some(seen.map(wordsOf))} (${sampleOf(asked)})`, evidence };
    const blind = descriptors.filter(({ said }) => 'missing' in said);
    // A distroless image has no shell: that is no right that is missing.
    if (missing.every(({ hindrance }) => hindrance === 'BadAnswer')) {
      const old = blind.filter(({ pod, container }) => {
        const release = releaseIn(pod, container.name) ?? plane.version;
        return release !== null && !isAtLeast(release, '1.22');
      });
      if (old.length > 0)
        return {
          status: 'warn',
          reason: 'LimitUnseen',
          message: `nothing can be run in ${some(old.map(nameOf))}: its limit may be 1024`,
          evidence,
          hint,
        };
      return skip(
        `nothing can be run in ${some(blind.map(nameOf))}; from 1.22 on the limit is raised as far as the node allows`,
      );
    }
    return unknown(
      missing,
      `${missing.length} of ${count(descriptors.length, 'proxy', 'proxies')} could not be looked into`,
    );
  },
});
