import { open, writeFile } from 'node:fs/promises';
import { NoAnswer, type Unanswered } from '../errors.ts';
import type { Answer, Cluster, KubernetesObject } from './cluster.ts';
import { commandOf, keyOf, type Question } from './question.ts';
import { redact, redactLines, redactValue, redactWhole } from './redact.ts';
import type { Scratch } from './scratch.ts';
import { unanswered } from './text.ts';

/** How a question was answered. `file` holds the answer's bytes; `broke` says why they are not all. */
export type Outcome =
  | { got: 'list'; file: string }
  | { got: 'answer'; status: number; contentType: string; file: string; broke?: Unanswered }
  | { got: 'nothing'; unanswered: Unanswered };

/** A question that was asked, under its key and as a person would type it. */
export type Entry = { key: string; command: string } & Outcome;

/**
 * Asks `cluster` and keeps each answer in `entries`, redacted. The answers are handed on redacted too, so that a
 * diagnosis that records sees exactly what its bundle will replay.
 */
export function recording(cluster: Cluster, scratch: Scratch, entries: Entry[]): Cluster {
  const note = (question: Question, outcome: Outcome): void => {
    entries.push({ key: keyOf(question), command: commandOf(question), ...outcome });
  };

  const nothing = (question: Question, error: unknown): unknown => {
    if (error instanceof NoAnswer) note(question, { got: 'nothing', unanswered: redacted(error.unanswered) });
    return error instanceof NoAnswer ? new NoAnswer(redacted(error.unanswered), { cause: error }) : error;
  };

  return {
    async list(question) {
      try {
        const objects = (await cluster.list(question)).map((each) => redactValue(each) as KubernetesObject);
        const file = scratch.path('.json');
        await writeFile(file, listText(objects), { flag: 'wx', mode: 0o600 });
        note(question, { got: 'list', file });
        return objects;
      } catch (error) {
        throw nothing(question, error);
      }
    },
    async read(question) {
      let answer: Answer;
      try {
        answer = await cluster.read(question);
      } catch (error) {
        throw nothing(question, error);
      }
      // A page of metrics may be large; JSON and logs have a limit.
      const isPage = (question.ask === 'page' || question.ask === 'url') && !/json/i.test(answer.contentType);
      const clean = isPage ? redactLines(answer.body) : redactWhole(answer.body);
      return { ...answer, body: spooled(question, answer, clean, scratch.path(''), note) };
    },
  };
}

/** JSON object by object: the text of 10,000 pods is never in memory at once. */
function* listText(objects: readonly KubernetesObject[]): Generator<string> {
  let before = '[';
  for (const each of objects) {
    yield before + JSON.stringify(each);
    before = ',\n';
  }
  yield objects.length === 0 ? '[]' : ']';
}

/** `body`, written to `file` as it passes, so that a page of any size costs no memory. */
async function* spooled(
  question: Question,
  { status, contentType }: Answer,
  body: AsyncIterable<Buffer>,
  file: string,
  note: (question: Question, outcome: Outcome) => void,
): AsyncGenerator<Buffer> {
  const handle = await open(file, 'wx', 0o600);
  let broke: Unanswered | undefined = unanswered(question, 'TooLarge', 'the rest was not read').unanswered;
  try {
    for await (const chunk of body) {
      await handle.write(chunk);
      yield chunk;
    }
    broke = undefined;
  } catch (error) {
    if (error instanceof NoAnswer) broke = redacted(error.unanswered);
    throw error;
  } finally {
    await handle.close();
    note(question, { got: 'answer', status, contentType, file, ...(broke && { broke }) });
  }
}

const redacted = (unanswered: Unanswered): Unanswered => ({ ...unanswered, words: redact(unanswered.words) });
