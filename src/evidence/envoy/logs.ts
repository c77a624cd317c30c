import type { LogQuestion } from '../../cluster/question/question.ts';
import { textOf } from '../../cluster/question/text.ts';
import type { Ask, Attempt } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import { firstSyncs, proxiesIn } from '../istio/pilot.ts';
import { isOwed } from '../istio/sync.ts';
import { type Envoy, ofEachEnvoy, type Told } from './asked.ts';

/** What a line of a proxy's log may tell (guide.md d and g). */
export type Meaning = 'refused' | 'descriptors' | 'killed' | 'crashed' | 'gave up';

/** Envoy's own answer to HTTP/1.0, as text or as JSON, by release; one of the application comes `via_upstream`. */
function isRefused(line: string): boolean {
  if (!line.includes('426') || line.includes('via_upstream')) return false;
  const isJson = /"response_code":"?426\b/.test(line);
  if (line.includes('low_version')) return isJson || line.includes('" 426 ');
  return /HTTP\/(?:1\.0|0\.9)" 426 /.test(line) || (isJson && line.includes('"HTTP/1.0"'));
}

/** The first that fits is what a line means. */
const PATTERNS: readonly (readonly [Exclude<Meaning, 'refused'>, RegExp])[] = [
  [
    'descriptors',
    /assert failure: (?:fd_? != -1|SOCKET_VALID)|socket\(2\) failed.*Too many open files|accept.*Too many open files|panic: listener accept failure/i,
  ],
  ['killed', /signal: killed|may have been out of memory killed/],
  [
    'crashed',
    /Caught (?:Aborted|Segmentation fault)|\[critical\]\[(?:assert|backtrace)\]|signal: (?:aborted|segmentation fault)/,
  ],
  ['gave up', /Permanent error: budget exhausted|cannot start the proxy with the desired configuration/],
];

/** A line of an access log, as text or as JSON. */
const ACCESS = /^\[\d{4}-[^\]]+\] "|^\{.*"response_code"/;

export interface LogLine {
  meaning: Meaning;
  line: string;
  /** As the line itself says, in milliseconds since 1970; null when it does not. */
  at: number | null;
}

/** What agents and Envoys say while they get no configuration, or refuse it (guide.md b, B6). */
const COMPLAINT =
  /gRPC config stream closed: 14, no healthy upstream|Envoy proxy is NOT ready: config (?:not received|received from XDS server, but was rejected)/;

/** What Envoys say of routes that they do not take, in the words of every release. */
const REFUSAL = /gRPC config for type\.googleapis\.com\/envoy\.\S*RouteConfiguration rejected: (.*)/;

/** What ends a complaint. */
const READY = /Envoy proxy is ready|connected to upstream XDS server/;

/** The end of a proxy's log, as far as it is about one of these. */
export interface ProxyLog {
  lines: readonly LogLine[];
  /** The last complaint about Pilot that nothing ended. */
  complaint: { line: string; at: number | null } | null;
  /** Why it did not take the last routes that it refused, and when that was; null when it tells of none. */
  refusal: { words: string; at: number | null } | null;
  /** How many requests it tells of. */
  requests: number;
  /** Since when it tells, in milliseconds since 1970; null when it begins with the container, or no line says when. */
  since: number | null;
}

/** `[2018-06-01T10:11:12.345Z]`, `[2026-11-25 06:43:20.123][1]`, `2026-11-25T06:43:20.123456Z\tinfo`, `{"time":"2026-11-25T06:43:20Z"}`. */
function timeOf(line: string): number | null {
  const stamp = /^(?:\[?|\{.*?"time":")(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)/.exec(line);
  return stamp ? Date.parse(`${stamp[1]}T${stamp[2]}Z`) || null : null;
}

/** So many of a log's last lines are read. */
const TAIL = 5000;

/** What is told is told at its beginning. */
const LONGEST = 4096;

export function logIn(text: string): ProxyLog {
  const lines: LogLine[] = [];
  let complaint: ProxyLog['complaint'] = null;
  let requests = 0;
  let refusal: ProxyLog['refusal'] = null;
  const all = text.trimEnd().split('\n');
  for (const whole of all) {
    const line = whole.slice(0, LONGEST);
    if (ACCESS.test(line)) requests++;
    if (READY.test(line)) complaint = null;
    if (COMPLAINT.test(line)) complaint = { line, at: timeOf(line) };
    const words = REFUSAL.exec(line)?.[1];
    if (words !== undefined) refusal = { words, at: timeOf(line) };
    const meaning = isRefused(line) ? 'refused' : PATTERNS.find(([, pattern]) => pattern.test(line))?.[0];
    if (meaning) lines.push({ meaning, line, at: timeOf(line) });
  }
  const isWhole = all.length < TAIL;
  return { lines, requests, complaint, refusal, since: isWhole ? null : timeOf(all[0] ?? '') };
}

async function logOf({ cluster }: Ask, { pod, container }: Envoy, previous?: true): Promise<ProxyLog> {
  const question: LogQuestion = {
    ask: 'log',
    namespace: pod.namespace,
    pod: pod.name,
    container: container.name,
    part: { tailLines: TAIL },
    ...(previous && { previous }),
  };
  return logIn(await textOf(question, await cluster.read(question)));
}

/** The log of a proxy, and that of its last instance where there was one. */
export interface ProxyLogs {
  current: ProxyLog;
  previous: Attempt<ProxyLog> | null;
}

export const envoyLogs = ofEachEnvoy(
  [{ verb: 'get', resource: 'pods/log' }],
  async (ask, envoy): Promise<ProxyLogs> => {
    const { instances } = envoy.pod;
    const restarted = instances.some(({ container, restarts }) => container === envoy.container.name && restarts > 0);
    const [current, previous] = await Promise.all([
      logOf(ask, envoy),
      restarted ? settle(logOf(ask, envoy, true)) : null,
    ]);
    return { current, previous };
  },
);

/** The logs of asked Envoys, where one of them owes an answer to routes and does not say why: before 1.24 the log does. */
export const owingLogs = planeSource(envoyLogs.rights, async ({ from }): Promise<readonly Told<ProxyLogs>[]> => {
  const proxies = proxiesIn(await settle(from(firstSyncs)));
  const isOwing = proxies.some(({ types }) => types.some(isOwed));
  return isOwing ? from(envoyLogs) : [];
});
