import { closest } from 'fastest-levenshtein';
import type { AnyCheck, Step, Topic, Walk } from '../../diagnosis/check.ts';
import { type Hindrance, UsageError } from '../../errors.ts';
import { topics } from '../../guide/index.ts';
import { wrapped } from '../../report/style.ts';
import { HELPERS } from '../debug/helpers.ts';
import { REPORT_WORDS } from './words.ts';

/** Why something could not be looked at: the reasons of every `unknown`. */
const HINDRANCES: Readonly<Record<Hindrance, string>> = {
  Forbidden: 'You may not ask this: RBAC refuses. `rbac` prints the rights that are needed.',
  Unauthorized: 'The API server, or the Prometheus that was named, does not accept your login.',
  Unreachable: 'The API server, or kubectl’s way to it, does not answer.',
  NoKubectl: 'There is no kubectl on the PATH.',
  NotFound:
    'The object is not there any more, the API server does not know its kind, or a Prometheus has no such page.',
  TimedOut: 'No answer within --request-timeout, or within the run’s --timeout.',
  ConnectionRefused: 'The pod is there and nothing listens on the port.',
  BadAnswer: 'There was an answer, and it was not what was asked for: HTML, cut off, or an error.',
  TooLarge: 'The answer is larger than this program reads into memory.',
  NotInBundle: 'The bundle holds no answer to this question: an older version made it, or the run was cut short.',
  Interrupted: 'The run was interrupted before this was looked at.',
};

interface Place {
  topic: Topic;
  step: Step;
  check: AnyCheck;
}

const places = async (): Promise<readonly Place[]> =>
  (await topics()).flatMap((topic) =>
    // One walk for all generations is one.
    [...new Set(Object.values(topic.walks))].flatMap(({ steps }) =>
      steps.flatMap((step) => step.checks.map((check) => ({ topic, step, check }))),
    ),
  );

/** A topic's walks, each once, and the generations that it is for. */
const walksOf = ({ walks }: Topic): readonly (readonly [string, Walk])[] =>
  [...new Set(Object.values(walks))].map((walk) => {
    const of = Object.entries(walks).filter(([, each]) => each === walk);
    return [of.map(([generation]) => generation).join(', '), walk];
  });

/** The guide's "With istioctl, with GDB, with tcpdump": it stands behind this topic there, and judges nothing. */
const BEFORE_DEBUG = 'grafana-clock';

const DEBUG =
  'Prints and judges nothing: what istioctl of the release would show, of any release, and the lines for tcpdump and gdb. It takes the rights to get pods and to create pods/portforward; tcpdump and gdb also to list namespaces. With --execute the line is run, and kubectl’s exit code is the run’s.';

const debugText = (): string =>
  [
    'debug  How can I debug issues with the service mesh?',
    ...Object.entries(HELPERS).map(([name, [means]]) => `    ${name.padEnd(20)} ${means}`),
  ].join('\n');

/** The guide's table of contents: topics, their steps, their checks. */
export async function topicsText(): Promise<string> {
  return (await topics())
    .flatMap((topic) => {
      const walks = walksOf(topic).map(([generations, { steps }]) => {
        const lines = steps.map(
          (step) =>
            `    ${step.id.padEnd(20)} ${step.title}\n${step.checks.map(({ id, title }) => `      ${id.padEnd(28)} ${title}`).join('\n')}`,
        );
        return `  ${generations}\n${lines.join('\n')}`;
      });
      const about = `  ${wrapped(topic.about, 98, '  ')}`;
      const text = `${topic.id}  ${topic.title}\n${about}\n${walks.join('\n')}`;
      return topic.id === BEFORE_DEBUG ? [text, debugText()] : [text];
    })
    .join('\n\n')
    .concat('\n');
}

/** What a check, a step or a reason means. Throws UsageError for a word that is none of them. */
export async function explanation(word: string): Promise<string> {
  const all = await places();
  if (word === 'debug' || Object.hasOwn(HELPERS, word)) return `${debugText()}\n\n  ${wrapped(DEBUG, 96, '  ')}\n`;
  const topic = (await topics()).find(({ id }) => id === word);
  if (topic) return `${topicText(topic)}\n`;
  const checks = all.filter(({ check }) => check.id === word);
  const [place] = checks;
  if (place) return `${checkText(place)}\n`;
  // Two generations may have a step of one name.
  const steps = [...new Set(all.flatMap(({ step }) => (step.id === word ? [step] : [])))];
  if (steps.length > 0)
    return `${steps.map((step) => stepText(all.filter((each) => each.step === step))).join('\n\n')}\n`;
  // A check may be a step's of two topics.
  const byReason = all.filter(
    ({ check }, at) =>
      Object.hasOwn(check.reasons, word) && all.findIndex((other) => other.check.id === check.id) === at,
  );
  if (byReason.length > 0) {
    return `${byReason.map(({ check, step }) => `${word}  of ${check.id}, in ${step.id}\n  ${wrapped(check.reasons[word] ?? '', 98, '  ')}`).join('\n\n')}\n`;
  }
  const [title, text] = (Object.hasOwn(REPORT_WORDS, word) && REPORT_WORDS[word]) || [];
  if (title !== undefined && text !== undefined) return `${word}  ${title}\n  ${wrapped(text, 98, '  ')}\n`;
  if (Object.hasOwn(HINDRANCES, word))
    return `${word}  why something is unknown\n  ${wrapped(HINDRANCES[word as Hindrance], 98, '  ')}\n`;
  throw new UsageError(
    `there is no topic, step, check or reason called ${JSON.stringify(word)}; did you mean ${closest(word, [...(await explained())])}?`,
  );
}

function topicText(topic: Topic): string {
  const [first] = walksOf(topic).flatMap(([, { steps }]) => steps);
  return [
    `${topic.id}: ${topic.title}`,
    `  ${topic.summary}`,
    '',
    `  ${wrapped(topic.about, 96, '  ')}`,
    ...walksOf(topic).flatMap(([generations, { steps }]) => [
      '',
      `  ${generations}`,
      ...steps.map(({ id, title }) => `    ${id.padEnd(20)} ${title}`),
    ]),
    '',
    `Docs  ${first?.docs(null) ?? ''}`,
  ].join('\n');
}

/** Every word that is explained. */
export async function explained(): Promise<readonly string[]> {
  const known = [...(await topics()).map(({ id }) => id), 'debug', ...Object.keys(HELPERS)];
  const words = (await places()).flatMap(({ step, check }) => [step.id, check.id, ...Object.keys(check.reasons)]);
  return [...new Set([...known, ...words]), ...Object.keys(HINDRANCES), ...Object.keys(REPORT_WORDS)];
}

function checkText({ topic, step, check }: Place): string {
  const reasons = Object.entries(check.reasons).map(
    ([reason, means]) => `  ${reason}\n    ${wrapped(means, 94, '    ')}`,
  );
  return [
    `${check.id}: ${check.title}`,
    `  of ${topic.id}, step ${step.id} (${step.title})`,
    '',
    `  ${wrapped(check.explains, 96, '  ')}`,
    ...(reasons.length > 0 ? ['', 'Reasons', ...reasons] : []),
    '',
    `Docs  ${step.docs(null)}`,
  ].join('\n');
}

function stepText(of: readonly Place[]): string {
  const [first] = of;
  if (!first) return '';
  const { topic, step } = first;
  return [
    `${step.id}: ${step.title}`,
    `  of ${topic.id}${step.hop ? `, hop ${step.hop}` : ''}`,
    '',
    ...of.map(({ check }) => `  ${check.id.padEnd(28)} ${check.title}`),
    '',
    `Docs  ${step.docs(null)}`,
  ].join('\n');
}
