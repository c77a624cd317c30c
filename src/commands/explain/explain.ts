import { closest } from 'fastest-levenshtein';
import type { AnyCheck, Generation, Step, Topic, Walk } from '../../diagnosis/check.ts';
import { type Hindrance, UsageError } from '../../errors.ts';
import { topics } from '../../guide/index.ts';
import { API_VERSION } from '../../report/data.ts';
import { escapeText } from '../../report/escape.ts';
import { kindOfHint } from '../../report/hint.ts';
import { wrapped } from '../../report/style.ts';
import { HELPERS } from '../debug/helpers.ts';
import { type Example, exampleOf } from './examples.ts';
import { WORDS } from './words.ts';

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

/** What a word means, for a program. */
interface Meaning {
  kind: 'topic' | 'step' | 'check' | 'reason' | 'word' | 'hindrance' | 'debug';
  word: string;
  title: string;
  means: string;
  /** Where it belongs. */
  topic: string | null;
  step: string | null;
  check: string | null;
  docs: string | null;
  /** Of a reason what a report says of it; null of all else, and where no test has it. */
  example: Example | null;
}

/** The same with what a person reads. */
interface Explained {
  meaning: Meaning;
  text: string;
}

const meaning = (kind: Meaning['kind'], word: string, title: string, means: string, of?: Place): Meaning => ({
  kind,
  word,
  title,
  means,
  topic: of?.topic.id ?? null,
  step: of?.step.id ?? null,
  check: of && kind !== 'step' ? of.check.id : null,
  docs: of?.step.docs(null) ?? null,
  example: null,
});

/** What a word is, of each thing that is called so. Throws UsageError for one that nothing is. */
export async function explanations(word: string): Promise<readonly Explained[]> {
  const all = await places();
  if (word === 'debug' || Object.hasOwn(HELPERS, word))
    return [
      { meaning: meaning('debug', word, 'debug', DEBUG), text: `${debugText()}\n\n  ${wrapped(DEBUG, 96, '  ')}` },
    ];
  const topic = (await topics()).find(({ id }) => id === word);
  if (topic)
    return [
      { meaning: { ...meaning('topic', word, topic.title, topic.about), topic: topic.id }, text: topicText(topic) },
    ];
  const place = all.find(({ check }) => check.id === word);
  if (place)
    return [
      { meaning: meaning('check', word, place.check.title, place.check.explains, place), text: checkText(place) },
    ];
  // Two generations may have a step of one name.
  const steps = [...new Set(all.flatMap(({ step }) => (step.id === word ? [step] : [])))];
  if (steps.length > 0)
    return steps.map((step) => {
      const of = all.filter((each) => each.step === step);
      return {
        meaning: meaning('step', word, step.title, of.map(({ check }) => check.title).join('; '), of[0]),
        text: stepText(of),
      };
    });
  // A check may be a step's of two topics.
  const byReason = all.filter(
    ({ check }, at) =>
      Object.hasOwn(check.reasons, word) && all.findIndex((other) => other.check.id === check.id) === at,
  );
  if (byReason.length > 0) return Promise.all(byReason.map((of) => reasonOf(word, of)));
  const [title, text] = (Object.hasOwn(WORDS, word) && WORDS[word]) || [];
  if (title !== undefined && text !== undefined)
    return [{ meaning: meaning('word', word, title, text), text: paragraph(word, title, text) }];
  if (Object.hasOwn(HINDRANCES, word)) {
    const [title, means] = ['why something is unknown', HINDRANCES[word as Hindrance]];
    return [{ meaning: meaning('hindrance', word, title, means), text: paragraph(word, title, means) }];
  }
  throw new UsageError(
    `there is no topic, step, check or reason called ${JSON.stringify(word)}; did you mean ${closest(word, await explainedWords())}?`,
  );
}

const paragraph = (word: string, title: string, means: string): string =>
  `${word}  ${title}\n  ${wrapped(means, 98, '  ')}`;

/** Which Istio each generation is. */
const RELEASES: Readonly<Record<Generation, string>> = {
  mixer: 'Mixer, Istio 0.5 to 1.7',
  'telemetry-v2': 'Envoy’s own metrics, Istio 1.5 and newer',
  ambient: 'ambient, Istio 1.18 and newer',
};

/** For which meshes a check is there; every one where that is all. */
function releasesOf({ topic, check }: Place): string {
  const of = Object.entries(topic.walks).filter(([, { steps }]) => steps.some(({ checks }) => checks.includes(check)));
  const all = Object.keys(topic.walks).length === of.length;
  return all ? 'every release' : of.map(([generation]) => RELEASES[generation as Generation]).join('; ');
}

async function reasonOf(word: string, of: Place): Promise<Explained> {
  const { check, step, topic } = of;
  const means = check.reasons[word] ?? '';
  const example = await exampleOf(check.id, word);
  const text = [
    `${word}  of ${check.id}, in ${step.id} of ${topic.id}`,
    `  ${wrapped(means, 98, '  ')}`,
    '',
    '  How it is judged',
    `    ${wrapped(check.explains, 96, '    ')}`,
    ...(example
      ? [
          '',
          '  What a report says of it',
          `    ${wrapped(escapeText(example.message), 96, '    ')}`,
          ...(example.hint === null
            ? []
            : [`    ${kindOfHint(example.hint).toUpperCase().padEnd(4)}  ${escapeText(example.hint)}`]),
        ]
      : []),
    '',
    '  What to type',
    `    kubectl istio-diag ${topic.id} -o wide        # its evidence, the commands that show it, and the fix`,
    `    kubectl istio-diag ${topic.id} --ignore ${word}   # where it is known and accepted`,
    '',
    `  For   ${releasesOf(of)}`,
    `  Docs  ${step.docs(null)}`,
  ].join('\n');
  return { meaning: { ...meaning('reason', word, check.title, means, of), example }, text };
}

/** The topics with their steps and checks, for a program. */
export const topicsData = async () => ({
  apiVersion: API_VERSION,
  kind: 'TopicList',
  items: (await topics()).map((topic) => ({
    id: topic.id,
    title: topic.title,
    summary: topic.summary,
    about: topic.about,
    workload: topic.workload,
    walks: walksOf(topic).map(([generations, { steps }]) => ({
      generations: generations.split(', '),
      steps: steps.map((step) => ({
        id: step.id,
        title: step.title,
        hop: step.hop,
        docs: step.docs(null),
        checks: step.checks.map(({ id, title, reasons }) => ({ id, title, reasons })),
      })),
    })),
  })),
});

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
export async function explainedWords(): Promise<readonly string[]> {
  const known = [...(await topics()).map(({ id }) => id), 'debug', ...Object.keys(HELPERS)];
  const words = (await places()).flatMap(({ step, check }) => [step.id, check.id, ...Object.keys(check.reasons)]);
  return [...new Set([...known, ...words, ...Object.keys(HINDRANCES), ...Object.keys(WORDS)])];
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
