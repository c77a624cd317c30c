import type { LogQuestion } from '../../cluster/question/question.ts';
import { textOf } from '../../cluster/question/text.ts';
import type { Ask, Attempt } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import { isRunning } from '../kubernetes/pod.ts';
import { mixer } from './pods.ts';

/** A line of Mixer's log that means something, and what (mixer.md 6.3). */
export interface LogLine {
  meaning: Meaning;
  /** As logged; continuation lines of a list of errors stand alone. */
  line: string;
  /** How often it was seen. */
  times: number;
}

export interface MixerLog {
  pod: string;
  lines: readonly LogLine[];
}

/** The words of Mixer that say what is wrong. `counted` faults move a counter too; the others show in the log alone. */
const PATTERNS = [
  ['ReportFailed', true, /Report failed:|Report \d+ returned with: INTERNAL/],
  ['PreprocessingFailed', false, /preprocessing attributes failed:/],
  ['MetricNotConfigured', true, /could not find metric info from adapter config for/],
  ['AdapterPanics', false, /panic during handler dispatch:/],
  ['HandlerMissing', true, /Handler not found: handler='/],
  ['InstanceMissing', true, /Instance not found: instance='|No valid instances found/],
  ['RuleDropped', true, /No valid actions found in rule/],
  ['MatchUncompiled', true, /Unable to compile match condition expression:/],
  ['AttributeUnknown', true, /unknown attribute/],
  [
    'HandlerNotBuilt',
    true,
    /Unable to find a handler for action\. rule\[action\]=|Unable to initialize adapter: snapshot=/,
  ],
  ['InstanceNotBuilt', false, /Unable to create builder\/mapper for instance:/],
  ['MatchFails', false, /input set condition evaluation error: id=/],
  ['DimensionFails', false, /error creating instance: destination=/],
  ['ParamsUnreadable', false, /could not convert handler params; using default config/],
  ['ObjectDropped', false, /Failed to convert .* spec|Failed to clone|unable to unmarshal/],
  ['KindsUndiscovered', false, /Failed to discover kinds: \[/],
  ['PageInconsistent', false, /Prometheus handler error:/],
  ['Throttled', true, /Throttled \(/],
] as const;

export type Meaning = (typeof PATTERNS)[number][0];

/** Faults that no counter shows. */
export const SILENT_FAULTS: ReadonlySet<Meaning> = new Set(
  PATTERNS.filter(([, counted]) => !counted).map(([meaning]) => meaning),
);

/** Where errors of the configuration stand: at the start of the process, and at its last changes. */
const PARTS: readonly LogQuestion['part'][] = [{ limitBytes: 1_000_000 }, { tailLines: 5_000 }];

/** Every running telemetry pod's log, its first megabyte and its last lines: the rest is access log. */
export const mixerLogs = planeSource(
  [{ verb: 'get', resource: 'pods/log' }],
  async (ask): Promise<readonly { pod: string; log: Attempt<MixerLog> }[]> => {
    const { pods } = await ask.from(mixer);
    const running = pods.filter(isRunning);
    return Promise.all(
      running.map(async ({ name, namespace }) => ({ pod: name, log: await settle(logOf(ask, namespace, name)) })),
    );
  },
);

async function logOf(ask: Ask, namespace: string, pod: string): Promise<MixerLog> {
  const parts = await Promise.all(
    PARTS.map(async (part) => {
      const question: LogQuestion = { ask: 'log', namespace, pod, container: 'mixer', part };
      return textOf(question, await ask.cluster.read(question));
    }),
  );
  return { pod, lines: meaningfulLines(parts) };
}

/** The lines that mean something, each text once. A line that both parts hold is counted once. */
export function meaningfulLines(parts: readonly string[]): readonly LogLine[] {
  const seen = new Set<string>();
  const found = new Map<string, LogLine>();
  for (const line of parts.flatMap((part) => part.split('\n'))) {
    // The stdio adapter writes its access log into the same stream, one JSON object a line.
    if (line.startsWith('{"level":"info"') || seen.has(line)) continue;
    const meaning = PATTERNS.find(([, , pattern]) => pattern.test(line))?.[0];
    if (meaning === undefined) continue;
    if (/^\d{4}-/.test(line)) seen.add(line);
    const shown = line.trim().replaceAll('\t', ' ').slice(0, 300);
    const key = shown.replace(/^\S+Z /, '');
    found.set(key, { meaning, line: found.get(key)?.line ?? shown, times: (found.get(key)?.times ?? 0) + 1 });
  }
  return [...found.values()];
}

/** At most `most` lines that mean one of `meanings`, as evidence; all lines when none are named. */
export const quoteLog = (
  logs: readonly { pod: string; log: Attempt<MixerLog> }[],
  meanings: readonly Meaning[],
  most = 6,
): readonly string[] =>
  logs
    .flatMap(({ pod, log }) => ('got' in log ? log.got.lines.map((line) => ({ pod, ...line })) : []))
    .filter(({ meaning }) => meanings.includes(meaning))
    .slice(0, most)
    .map(({ pod, line, times }) => `${pod}: ${line}${times > 1 ? ` (${times} times)` : ''}`);

/** What the log says first of `meanings`, in the order they are named: without time, level and scope. */
export function firstWords(
  logs: readonly { pod: string; log: Attempt<MixerLog> }[],
  meanings: readonly Meaning[],
): string | null {
  const lines = logs.flatMap(({ log }) => ('got' in log ? log.got.lines : []));
  const first = meanings.map((meaning) => lines.find((line) => line.meaning === meaning)).find(Boolean);
  return first?.line.replace(/^\S+Z \w+ /, '').slice(0, 200) ?? null;
}
