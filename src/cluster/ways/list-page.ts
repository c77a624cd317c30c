import { messageOf } from '../../errors.ts';
import { trim } from '../bundle/trim.ts';
import type { Answer, KubernetesObject } from '../question/cluster.ts';
import type { ListQuestion } from '../question/question.ts';
import { typedName } from '../question/resources.ts';
import { unanswered } from '../question/text.ts';
import { JsonSplitter } from './json-splitter.ts';
import type { Pool } from './pool.ts';

/** The list, `items`, an object of it. */
const ITEM = 3;

/** More than any page of a list has. */
const LIMIT = 256 * 1024 * 1024;

/** More than what of a page is no object: its kind, and where the next begins. */
const REST_LIMIT = 1024 * 1024;

/** What of a page is no object. */
interface Head {
  items?: unknown;
  metadata?: { continue?: unknown };
}

/**
 * Reads a page object by object as it comes in, each cut down by trim.ts, and sharing with those in `pool`: neither the
 * page's text nor what is dropped is ever whole in memory. `onNext` is told where the next page begins, as soon as that is
 * known: Kubernetes writes it before the objects. Throws NoAnswer where it is not a whole list.
 */
export async function readListPage(
  question: ListQuestion,
  answer: Answer,
  pool: Pool,
  onNext: (next: string) => void,
): Promise<readonly KubernetesObject[]> {
  const kind = typedName(question.resource);
  const kept: KubernetesObject[] = [];
  const rest: Buffer[] = [];
  let size = 0;
  let told = false;
  const tell = ({ metadata }: Head): void => {
    if (told || typeof metadata?.continue !== 'string') return;
    told = true;
    if (metadata.continue !== '') onNext(metadata.continue);
  };
  const splitter = new JsonSplitter({
    depth: ITEM,
    // Who changed which field last: a third of a pod's text.
    without: 'managedFields',
    onEntry(list, entry) {
      if (list !== 'items') return;
      if (kept.length === 0) tell(beginning(rest));
      const object = trim(kind, JSON.parse(entry));
      pool.share(object);
      kept.push(object);
    },
    onRest(part) {
      size += part.length;
      if (size <= REST_LIMIT) rest.push(Buffer.from(part));
    },
  });
  const bad = (words: string): Error => unanswered(question, 'BadAnswer', words);
  let length = 0;
  for await (const chunk of answer.body) {
    length += chunk.length;
    if (length > LIMIT) throw unanswered(question, 'TooLarge', `the answer is larger than ${LIMIT >> 20} MB`);
    try {
      splitter.push(chunk);
    } catch (error) {
      throw bad(`the list is not whole JSON: ${messageOf(error)}`);
    }
  }
  if (size > REST_LIMIT) throw bad('the answer is not a list');
  let head: Head;
  try {
    head = headOf(rest, '');
  } catch (error) {
    throw bad(`the list is not whole JSON: ${messageOf(error)}`);
  }
  const { items } = head;
  // Go writes an empty list as null.
  if (items !== null && !Array.isArray(items)) throw bad('the answer is not a list');
  if ((items ?? []).length !== kept.length) throw bad('the list holds what is no object');
  tell(head);
  return kept;
}

const headOf = (rest: readonly Buffer[], end: string): Head =>
  (JSON.parse(Buffer.concat(rest).toString('utf8') + end) ?? {}) as Head;

/** What was written before the first object. Who writes it behind them tells later. */
function beginning(rest: readonly Buffer[]): Head {
  try {
    return headOf(rest, ']}');
  } catch {
    return {};
  }
}
