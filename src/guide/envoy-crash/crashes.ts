import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck, type JudgeContext } from '../../diagnosis/check.ts';
import { count, isSome, skip, some, sorted, unknown } from '../../diagnosis/verdict.ts';
import { askedEnvoys, type Envoy, envoys, nameOf, sampleOf, type Told } from '../../evidence/envoy/asked.ts';
import { envoyLogs, type LogLine, type Meaning, type ProxyLogs } from '../../evidence/envoy/logs.ts';
import { releaseIn } from '../../evidence/istio/detection.ts';
import type { Instance } from '../../evidence/kubernetes/pod.ts';
import { spoken } from '../../evidence/text/duration.ts';
import { isAtLeast } from '../../istio/release.ts';
import { DESCRIPTORS } from './steps.ts';

/** What happened before is no crash of today (ms). */
const RECENT = 24 * 3_600_000;

const instanceOf = ({ pod, container }: Envoy): Instance | undefined =>
  pod.instances.find((each) => each.container === container.name);

/** What the log says of one meaning, and recently: a line without a time of its own is taken for recent. */
function linesOf(
  { said, ...envoy }: Told<ProxyLogs>,
  meanings: readonly Meaning[],
  { now }: JudgeContext,
): readonly string[] {
  if ('missing' in said) return [];
  const { current, previous } = said.got;
  const all: readonly LogLine[] = [...(previous && 'got' in previous ? previous.got.lines : []), ...current.lines];
  return all
    .filter(({ meaning, at }) => meanings.includes(meaning) && (at === null || now - at < RECENT))
    .map(({ line }) => `${nameOf(envoy)}: ${line}`);
}

const previousLog = ({ pod, container }: Envoy): string =>
  shellLine('kubectl', '-n', pod.namespace, 'logs', pod.name, '-c', container.name, '--previous', '--tail=200');

export const envoyDidNotCrash = defineCheck({
  id: 'envoy-did-not-crash',
  title: 'no Envoy has crashed in the last day',
  explains:
    'Looks at how every proxy’s container ended and how often it was started again, and in the logs of a few (--sample), the last instance’s too, for Envoy’s and its agent’s words. Up to 1.3 the agent starts Envoy again inside the container: only the log tells. A newer agent ends with code 0 when Envoy dies.',
  reasons: {
    DescriptorsExhausted:
      'Envoy died, or refused connections, for want of file descriptors: each connection takes one.',
    MemoryKilled: 'Envoy was ended by the system for want of memory.',
    EnvoyCrashed: 'Envoy crashed for another cause: the last lines of its log name it.',
    ProxyRestarted: 'A proxy’s container was started again, and nothing that was seen says why.',
    LogShort: 'Up to 1.3 only the log tells of a crash, and it does not reach back a day.',
  },
  needs: { envoys, logs: envoyLogs, asked: askedEnvoys },
  judge({ envoys, logs, asked }, context) {
    const { plane, now } = context;
    const ended = envoys.flatMap((envoy) => {
      const instance = instanceOf(envoy);
      const isRecent = instance?.ended && (instance.ended.at === null || context.now - instance.ended.at < RECENT);
      return instance?.ended && isRecent ? [{ envoy, ...instance.ended, restarts: instance.restarts }] : [];
    });
    const found = (...meanings: readonly Meaning[]) => {
      const lines = logs.flatMap((each) => linesOf(each, meanings, context));
      return { lines, names: [...new Set(lines.map((line) => line.slice(0, line.indexOf(':'))))] };
    };
    const first = (name: string | undefined): Envoy | undefined => envoys.find((each) => nameOf(each) === name);
    const hint = (envoy: Envoy | undefined): string =>
      envoy ? previousLog(envoy) : shellLine('kubectl', 'get', 'pods', '--all-namespaces');
    const descriptors = found('descriptors');
    if (descriptors.lines.length > 0)
      return {
        status: 'fail',
        reason: 'DescriptorsExhausted',
        message: `${some(descriptors.names)} ran out of file descriptors`,
        evidence: descriptors.lines.slice(-5),
        hint: '# on the node: [Service] LimitNOFILE=1048576 in a drop-in of containerd or docker, then restart the pod; or Istio 1.22 and newer, which raises the limit',
        mayFollowFrom: [DESCRIPTORS],
      };
    const oom = ended.filter(({ reason }) => reason === 'OOMKilled');
    const killed = found('killed');
    if (oom.length > 0 || killed.lines.length > 0) {
      const names = [...new Set([...oom.map(({ envoy }) => nameOf(envoy)), ...killed.names])];
      const envoy = oom[0]?.envoy ?? first(killed.names[0]);
      return {
        status: 'fail',
        reason: 'MemoryKilled',
        message: `${some(names)} ${names.length === 1 ? 'was' : 'were'} ended for want of memory`,
        evidence: [
          ...oom.map(({ envoy, reason, exitCode }) => `${nameOf(envoy)}: ${reason || 'ended'}, exit code ${exitCode}`),
          ...killed.lines.slice(-5),
        ],
        hint: envoy
          ? shellLine('kubectl', '-n', envoy.pod.namespace, 'top', 'pod', envoy.pod.name, '--containers')
          : hint(undefined),
      };
    }
    const crashed = found('crashed', 'gave up');
    const signalled = ended.filter(({ exitCode }) => exitCode === 134 || exitCode === 139);
    if (crashed.lines.length > 0 || signalled.length > 0) {
      const names = [...new Set([...crashed.names, ...signalled.map(({ envoy }) => nameOf(envoy))])];
      return {
        status: 'fail',
        reason: 'EnvoyCrashed',
        message: `${some(names)} crashed`,
        evidence: [
          ...crashed.lines.slice(-10),
          ...signalled.map(({ envoy, exitCode }) => `${nameOf(envoy)}: exit code ${exitCode}`),
        ],
        hint: hint(first(names[0])),
      };
    }
    const { missing } = sorted(logs.map(({ said }) => said));
    if (ended.length > 0)
      return {
        status: 'warn',
        reason: 'ProxyRestarted',
        message: `${some(ended.map(({ envoy, restarts }) => `${nameOf(envoy)} (${count(restarts, 'restart')})`))}`,
        evidence: ended.map(
          ({ envoy, reason, exitCode }) => `${nameOf(envoy)}: ${reason || 'ended'}, exit code ${exitCode}`,
        ),
        hint: hint(ended[0]?.envoy),
      };
    if (envoys.length === 0) return skip('no proxy runs here');
    if (isSome(missing))
      return unknown(missing, `the log of ${count(missing.length, 'proxy', 'proxies')} was not seen`);
    // Newer agents end with Envoy, and the container's end is seen.
    const short = logs.flatMap(({ said, ...envoy }) => {
      const release = releaseIn(envoy.pod, envoy.container.name) ?? plane.version;
      const since = 'got' in said ? said.got.current.since : null;
      const isShort = since !== null && now - since < RECENT && release !== null && !isAtLeast(release, '1.4');
      return isShort ? [`${nameOf(envoy)} (${spoken(now - since)})`] : [];
    });
    if (short.length > 0)
      return {
        status: 'unknown',
        reason: 'LogShort',
        message: `the log does not reach back a day: ${some(short)}`,
        missing: [],
      };
    return {
      status: 'pass',
      message: `${count(envoys.length, 'proxy', 'proxies')} not ended in the last day, and no crash in the logs of ${sampleOf(asked)}`,
    };
  },
});
