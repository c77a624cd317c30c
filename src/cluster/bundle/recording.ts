import { open, writeFile } from 'node:fs/promises';
import { NoAnswer, type Unanswered } from '../../errors.ts';
import type { Answer, Cluster, KubernetesObject } from '../question/cluster.ts';
import { commandOf, keyOf, type Question } from '../question/question.ts';
import { unanswered } from '../question/text.ts';
import type { Scratch } from '../ways/scratch.ts';
import { redact, redactLines, redactValue, redactWhole } from './redact.ts';
import { trimmedTargets } from './trim-targets.ts';

/** How a question was answered. `file` holds the answer's bytes; `broke` says why they are not all. */
export type Outcome =
  | { got: 'list'; file: string }
  | { got: 'answer'; status: number; contentType: string; file: string; broke?: Unanswered }
  | { got: 'nothing'; unanswered: Unanswered };

/** A question that was asked, under its key and as a person would type it. */
export type Entry = { key: string; command: string } & Outcome;

/**
 * Asks `cluster` and keeps each answer in `entries`, redacted. The answers are handed on redacted too, so that a
 * diagnosis that records sees exactly what its bundle will replay. An answer that cannot be kept is handed on all the
 * same, and `spoil` is told why: that costs the bundle, and not the diagnosis.
 */
export function recording(
  cluster: Cluster,
  scratch: Scratch,
  entries: Entry[],
  spoil: (why: unknown) => void,
): Cluster {
  const note = (question: Question, outcome: Outcome): void => {
    entries.push({ key: keyOf(question), command: commandOf(question), ...outcome });
  };

  const nothing = (question: Question, error: unknown): unknown => {
    if (error instanceof NoAnswer) note(question, { got: 'nothing', unanswered: redacted(error.unanswered) });
    return error instanceof NoAnswer ? new NoAnswer(redacted(error.unanswered), { cause: error }) : error;
  };

  return {
    async list(question) {
      let objects: readonly KubernetesObject[];
      try {
        objects = (await cluster.list(question)).map((each) => redactValue(each) as KubernetesObject);
      } catch (error) {
        throw nothing(question, error);
      }
      try {
        const file = scratch.path('.json');
        await writeFile(file, listText(objects), { flag: 'wx', mode: 0o600 });
        note(question, { got: 'list', file });
      } catch (error) {
        spoil(error);
      }
      return objects;
    },
    async read(question) {
      let answer: Answer;
      try {
        answer = trimmedTargets(question, await cluster.read(question));
      } catch (error) {
        throw nothing(question, error);
      }
      // A page of metrics may be large; JSON and logs have a limit.
      const isPage = (question.ask === 'page' || question.ask === 'url') && !/json/i.test(answer.contentType);
      const clean = isPage ? redactLines(answer.body) : redactWhole(answer.body);
      return { ...answer, body: spooled(question, answer, clean, await spoolIn(scratch, spoil), note) };
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

/** A file that an answer is written to. What cannot be written is dropped, and `spoil` told why, once. */
interface Spool {
  file: string;
  write(chunk: Buffer): Promise<void>;
  close(): Promise<void>;
}

/** null where no file can be made. */
async function spoolIn(scratch: Scratch, spoil: (why: unknown) => void): Promise<Spool | null> {
  try {
    const file = scratch.path('');
    const handle = await open(file, 'wx', 0o600);
    let spoilt = false;
    const trying = async (act: () => Promise<unknown>): Promise<void> => {
      try {
        if (!spoilt) await act();
      } catch (error) {
        spoilt = true;
        spoil(error);
      }
    };
    return {
      file,
      write: (chunk) => trying(() => handle.writeFile(chunk)),
      close: () => handle.close().catch(spoil),
    };
  } catch (error) {
    spoil(error);
    return null;
  }
}

/** `body`, written to a file as it passes, so that a page of any size costs no memory. */
async function* spooled(
  question: Question,
  { status, contentType }: Answer,
  body: AsyncIterable<Buffer>,
  spool: Spool | null,
  note: (question: Question, outcome: Outcome) => void,
): AsyncGenerator<Buffer> {
  let broke: Unanswered | undefined = unanswered(question, 'TooLarge', 'the rest was not read').unanswered;
  try {
    for await (const chunk of body) {
      await spool?.write(chunk);
      yield chunk;
    }
    broke = undefined;
  } catch (error) {
    if (error instanceof NoAnswer) broke = redacted(error.unanswered);
    throw error;
  } finally {
    await spool?.close();
    if (spool) note(question, { got: 'answer', status, contentType, file: spool.file, ...(broke && { broke }) });
  }
}

const redacted = (unanswered: Unanswered): Unanswered => ({ ...unanswered, words: redact(unanswered.words) });
