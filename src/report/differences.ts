import { some } from '../diagnosis/verdict.ts';
import { type Comparison, type Difference, STATES, type State } from './compare.ts';
import type { VerdictWord } from './exit.ts';
import { momentWords, painted, type Style, wrapped } from './style.ts';

const PAINT = { new: 'red', known: 'dim', fixed: 'green', unknown: 'magenta' } as const;

const WIDTH = Math.max(...STATES.map((state) => state.length)) + 2;

/** What is said where there is nothing to count. */
export const NOTHING_FOUND = 'nothing was found, then and now';

/** `1 new, 2 known`, of all together; nothing where nothing was found, then and now. */
export const countsOf = (...comparisons: readonly Comparison[]): string =>
  STATES.flatMap((state) => {
    const number = comparisons.reduce((sum, { summary }) => sum + summary[state], 0);
    return number > 0 ? [`${number} ${state}`] : [];
  }).join(', ');

/** Findings by what became of them, a paragraph each; those that are known only where they are asked for. */
export function differencesOf({ findings, unasked }: Comparison, style: Style, withKnown: boolean): readonly string[] {
  const told = STATES.filter((state) => withKnown || state !== 'known');
  const line = (state: State, words: string): string =>
    `  ${painted(style, PAINT[state], state)}${' '.repeat(WIDTH - state.length)}${wrapped(words, style.width - WIDTH - 2, ' '.repeat(WIDTH + 2))}`;
  return [
    ...told.flatMap((state) =>
      findings.filter((finding) => finding.state === state).map((finding) => line(state, wordsOf(finding))),
    ),
    ...unasked.map((words) => line('unknown', `${words}, which could be asked then`)),
  ];
}

/** `ScrapeSaysFalse (scrape, was warn): bookinfo/reviews-v3`. */
function wordsOf({ state, step, status, was, reason, objects, message }: Difference): string {
  const is = status !== null && was !== null && status !== was ? `, was ${was}` : '';
  const why = state === 'unknown' ? (status === null ? ', not seen again' : ', of which some may be new') : '';
  return `${reason} (${step}${is}${why}): ${objects.length > 0 ? some(objects) : message}`;
}

/** What differs between two reports of a topic. */
export interface TopicDifference extends Comparison {
  topic: string;
  verdict: { old: VerdictWord; new: VerdictWord };
  /** Of the newer one. */
  with: Pick<Comparison, 'startedAt' | 'context'>;
}

/** The one document of `diff`. */
export interface Differences {
  apiVersion: 'istio-diag/v1alpha1';
  kind: 'DiagnosisDiff';
  items: readonly TopicDifference[];
  exitCode: number;
}

/** `2026-11-28 10:00:00 UTC  prod-eu`. */
export const momentOf = ({ startedAt, context }: Pick<Comparison, 'startedAt' | 'context'>): string =>
  `${momentWords(startedAt)}  ${context ?? '<none>'}`;

/** What differs, for a person. */
export function differencesText({ items }: Differences, style: Style): string {
  const parts = items.map((item) => {
    const { old, new: now } = item.verdict;
    const lines = differencesOf(item, style, true);
    return [
      painted(style, 'bold', item.topic),
      `  old  ${momentOf(item)}  ${old}`,
      `  new  ${momentOf(item.with)}  ${now}`,
      ...(lines.length > 0 ? lines : [`  ${NOTHING_FOUND}`]),
    ].join('\n');
  });
  return `${parts.join('\n\n')}\n`;
}
