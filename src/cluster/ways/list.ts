import { NoAnswer } from '../../errors.ts';
import type { Answer, KubernetesObject } from '../question/cluster.ts';
import { apiPath, type ListQuestion } from '../question/question.ts';
import { unanswered } from '../question/text.ts';
import { quote } from './http.ts';
import { readListPage } from './list-page.ts';
import { Pool } from './pool.ts';

/** Objects in one page of a list: small enough to parse in little memory (kubectl-costs.md). */
const PAGE_SIZE = 500;

/** So often a list is read that grows too old meanwhile. */
const ATTEMPTS = 3;

/** Asks the API server for the list at this path. Rejects with NoAnswer. */
type Ask = (path: string) => Promise<Answer>;

/** Reads a list page by page. `onPage` gets what is kept of each. Rejects with NoAnswer. */
export async function readList(
  question: ListQuestion,
  ask: Ask,
  onPage?: (items: readonly KubernetesObject[]) => void,
): Promise<readonly KubernetesObject[]> {
  for (let attempt = 1; ; attempt++) {
    const kept: KubernetesObject[] = [];
    try {
      await readPages(question, ask, (items) => {
        for (const item of items) kept.push(item);
        onPage?.(items);
      });
      return kept;
    } catch (error) {
      // 410: the list grew old while it was read; from the start again.
      const expired = error instanceof NoAnswer && /too old|expired|410/i.test(error.unanswered.words);
      if (!expired || attempt === ATTEMPTS) throw kept.length > 0 ? afterObjects(error, kept.length) : error;
    }
  }
}

/** A page begins with where the next one does: the API server makes that one while this one is read. */
async function readPages(
  question: ListQuestion,
  ask: Ask,
  onPage: (items: readonly KubernetesObject[]) => void,
): Promise<void> {
  const selector =
    (question.selector === undefined ? '' : `&labelSelector=${encodeURIComponent(question.selector)}`) +
    (question.fields === undefined ? '' : `&fieldSelector=${encodeURIComponent(question.fields)}`);
  const pool = new Pool();
  /** Where pages began: a server that says it twice would be asked for ever. */
  const begun = new Set<string>();
  const first = `${apiPath(question)}?limit=${PAGE_SIZE}${selector}`;
  for (let page: Promise<Answer> | null = ask(first); page !== null; ) {
    const answer: Answer = await page;
    page = null;
    try {
      const items = await readListPage(question, answer, pool, (next) => {
        page = begun.has(next)
          ? Promise.reject(
              unanswered(question, 'BadAnswer', 'the list does not end: a page begins where an earlier one did'),
            )
          : ask(`${first}&continue=${encodeURIComponent(next)}`);
        begun.add(next);
        // Whoever waits for it is told; nobody does where this page breaks off.
        page.catch(() => undefined);
      });
      onPage(items);
    } catch (error) {
      void (page as Promise<Answer> | null)?.then(({ body }) => quote(body, 0)).catch(() => undefined);
      throw error;
    }
  }
}

/** A timeout tells how far a list had come. */
function afterObjects(error: unknown, count: number): unknown {
  if (!(error instanceof NoAnswer) || error.unanswered.hindrance !== 'TimedOut') return error;
  const words = `${error.unanswered.words}, after ${count} objects`;
  return new NoAnswer({ ...error.unanswered, words }, { cause: error });
}
