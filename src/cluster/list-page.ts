import { messageOf } from '../errors.ts';
import type { Answer, KubernetesObject } from './cluster.ts';
import { JsonSplitter } from './json-splitter.ts';
import type { ListQuestion } from './question.ts';
import { typedName } from './resources.ts';
import { unanswered } from './text.ts';
import { trim } from './trim.ts';

/** The list, `items`, an object of it. */
const ITEM = 3;

/** More than any page of a list has. */
const LIMIT = 256 * 1024 * 1024;

/** What of a page is no object: its kind, and where the next begins. */
const REST_LIMIT = 1024 * 1024;

/** One page of a list. */
export interface ListPage {
  /** Cut down by trim.ts. */
  items: readonly KubernetesObject[];
  /** Where the next page begins; '' on the last. */
  continue: string;
}

/**
 * Reads a page object by object as it comes in: neither its text nor what trim.ts drops is ever whole in memory. Throws
 * NoAnswer where it is not a whole list.
 */
export async function readListPage(question: ListQuestion, answer: Answer): Promise<ListPage> {
  const kind = typedName(question.resource);
  const kept: KubernetesObject[] = [];
  const rest: Buffer[] = [];
  let size = 0;
  const splitter = new JsonSplitter({
    depth: ITEM,
    onEntry(list, entry) {
      if (list === 'items') kept.push(trim(kind, JSON.parse(entry)));
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
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(rest).toString('utf8'));
  } catch (error) {
    throw bad(`the list is not whole JSON: ${messageOf(error)}`);
  }
  const { items, metadata } = (value ?? {}) as { items?: unknown; metadata?: { continue?: unknown } };
  // Go writes an empty list as null.
  if (items !== null && !Array.isArray(items)) throw bad('the answer is not a list');
  if ((items ?? []).length !== kept.length) throw bad('the list holds what is no object');
  return { items: kept, continue: typeof metadata?.continue === 'string' ? metadata.continue : '' };
}
