import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { NoAnswer } from '../errors.ts';
import type { Cluster, KubernetesObject } from './cluster.ts';
import { keyOf, type Question } from './question.ts';
import type { Entry, Outcome } from './recording.ts';
import { unanswered } from './text.ts';

/** A cluster that answers from a bundle, and has no other answers. */
export function replaying(entries: readonly Entry[]): Cluster {
  const known = new Map(entries.map((entry) => [entry.key, entry]));

  function outcome(question: Question): Exclude<Outcome, { got: 'nothing' }> {
    const entry = known.get(keyOf(question));
    if (!entry) throw unanswered(question, 'NotInBundle', 'this question was not asked when the bundle was made');
    if (entry.got === 'nothing') throw new NoAnswer(entry.unanswered);
    return entry;
  }

  return {
    async list(question) {
      const entry = outcome(question);
      return JSON.parse(await readFile(entry.file, 'utf8')) as readonly KubernetesObject[];
    },
    async read(question) {
      const entry = outcome(question);
      if (entry.got === 'list') throw unanswered(question, 'NotInBundle', 'the bundle holds a list here');
      return { status: entry.status, contentType: entry.contentType, body: replayed(entry) };
    },
  };
}

async function* replayed(entry: Extract<Outcome, { got: 'answer' }>): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(entry.file, { highWaterMark: 256 * 1024 })) yield chunk as Buffer;
  if (entry.broke) throw new NoAnswer(entry.broke);
}
