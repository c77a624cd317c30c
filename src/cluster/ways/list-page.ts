import { messageOf } from '../../errors.ts';
import { keptOf } from '../bundle/kept.ts';
import type { Answer, KubernetesObject } from '../question/cluster.ts';
import type { ListQuestion } from '../question/question.ts';
import { typedName } from '../question/resources.ts';
import { unanswered } from '../question/text.ts';
import { JsonPage } from './json-page.ts';
import { isProtobuf, messageOfA } from './kubernetes-protobuf.ts';
import type { PageParts, PageReader } from './page-reader.ts';
import type { Pool } from './pool.ts';
import { ProtobufPage } from './protobuf-page.ts';

/** Who changed which field last: a third of a pod's text, which is read only where it is asked for. */
const CHANGES = 'managedFields';

/** More than any page of a list has. */
const LIMIT = 256 * 1024 * 1024;

/**
 * Reads a page object by object as it comes in, each cut down by trim.ts, and sharing with those in `pool`: neither the
 * page's text nor what is dropped is ever whole in memory. `onNext` is told where the next page begins. Throws NoAnswer
 * where it is not a whole list.
 */
export async function readListPage(
  question: ListQuestion,
  answer: Answer,
  pool: Pool,
  onNext: (next: string) => void,
): Promise<readonly KubernetesObject[]> {
  const kept: KubernetesObject[] = [];
  let told = false;
  const parts: PageParts = {
    onObject(from) {
      const object = keptOf(question, from);
      pool.share(object);
      kept.push(object);
    },
    onNext(next) {
      if (!told && next !== '') onNext(next);
      told = true;
    },
  };
  const message = isProtobuf(answer) ? messageOfA(typedName(question.resource)) : null;
  const page: PageReader = message
    ? new ProtobufPage(message, parts)
    : new JsonPage(parts, question.managed ? undefined : CHANGES);
  let length = 0;
  for await (const chunk of answer.body) {
    length += chunk.length;
    if (length > LIMIT) throw unanswered(question, 'TooLarge', `the answer is larger than ${LIMIT >> 20} MB`);
    reading(question, () => page.push(chunk));
  }
  reading(question, () => page.end());
  return kept;
}

function reading(question: ListQuestion, read: () => void): void {
  try {
    read();
  } catch (error) {
    throw unanswered(question, 'BadAnswer', messageOf(error));
  }
}
