import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { BundleError, NoAnswer } from '../../errors.ts';
import type { Cluster, KubernetesObject } from '../question/cluster.ts';
import { keyOf, type Question } from '../question/question.ts';
import { unanswered } from '../question/text.ts';
import type { Entry, Outcome } from './recording.ts';

/** A cluster that answers from a bundle, and has no other answers. */
export function replaying(entries: readonly Entry[]): Cluster {
  const known = new Map(entries.map((entry) => [entry.key, entry]));

  function outcome(question: Question): Exclude<Outcome, { got: 'nothing' }> & Pick<Entry, 'command'> {
    const entry = known.get(keyOf(question));
    if (!entry) throw unanswered(question, 'NotInBundle', 'this question was not asked when the bundle was made');
    if (entry.got === 'nothing') throw new NoAnswer(entry.unanswered);
    return entry;
  }

  return {
    async list(question) {
      const entry = outcome(question);
      return listIn(await readFile(entry.file, 'utf8'), entry.command);
    },
    async read(question) {
      const entry = outcome(question);
      if (entry.got === 'list') throw unanswered(question, 'NotInBundle', 'the bundle holds a list here');
      return { status: entry.status, contentType: entry.contentType, body: replayed(entry) };
    },
  };
}

/** The objects of a recorded list. Throws BundleError when it is none. */
function listIn(text: string, command: string): readonly KubernetesObject[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Said below.
  }
  const isObject = (each: unknown): boolean => typeof each === 'object' && each !== null && 'metadata' in each;
  if (Array.isArray(value) && value.every(isObject)) return value as readonly KubernetesObject[];
  throw new BundleError(`the bundle is damaged: its answer to \`${command}\` is no list of objects`);
}

async function* replayed(entry: Extract<Outcome, { got: 'answer' }>): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(entry.file, { highWaterMark: 256 * 1024 })) yield chunk as Buffer;
  if (entry.broke) throw new NoAnswer(entry.broke);
}
