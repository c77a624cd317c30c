import type { Answer, Cluster } from '../../cluster/question/cluster.ts';
import type { PageQuestion, UrlQuestion } from '../../cluster/question/question.ts';
import { textOf, unanswered } from '../../cluster/question/text.ts';
import { JsonSplitter } from '../../cluster/ways/json-splitter.ts';
import { messageOf } from '../../errors.ts';
import { object, texts } from '../text/json.ts';
import { notJson, refusedBy, saidIn } from './refusals.ts';

/** An answer of Prometheus’ API. */
export interface ApiAnswer {
  data: object;
  /**
   * Why the answer may not be whole, in the server's own words: a Thanos of which a store does not answer warns. What is in
   * the answer is there; what is not may be there all the same.
   */
  partial: readonly string[];
  /** What the server remarks on the query. */
  infos: readonly string[];
}

interface RawAnswer {
  status?: unknown;
  data?: unknown;
  error?: unknown;
  warnings?: unknown;
  infos?: unknown;
  /** VictoriaMetrics' own word for it. */
  isPartial?: unknown;
}

type ApiQuestion = PageQuestion | UrlQuestion;

/** Asks Prometheus’ API. Throws NoAnswer where it gives none, or an error. */
export async function askApi(cluster: Cluster, question: ApiQuestion): Promise<ApiAnswer> {
  const answer = await cluster.read(question);
  return answerIn(question, await textOf(question, await accepted(question, answer)));
}

/** The document, what it is in, a list of that, an entry. */
const ENTRY = 4;

/** More than what of an answer is no entry. */
const REST_LIMIT = 1024 * 1024;

/** More than any server tells of its targets. */
const LIMIT = 1024 * 1024 * 1024;

/**
 * Asks for an answer that is one long list, and hands its entries on as they come in: it is never whole in memory.
 * Throws NoAnswer as `askApi` does, and where there is no such list.
 */
export async function askApiList(
  cluster: Cluster,
  question: ApiQuestion,
  name: string,
  onEntry: (entry: unknown) => void,
): Promise<ApiAnswer> {
  const answer = await accepted(question, await cluster.read(question));
  const rest: Buffer[] = [];
  let [size, length, entries] = [0, 0, 0];
  const splitter = new JsonSplitter({
    depth: ENTRY,
    onEntry(list, entry) {
      if (list !== name) return;
      entries++;
      onEntry(JSON.parse(entry));
    },
    onRest(part) {
      size += part.length;
      if (size <= REST_LIMIT) rest.push(Buffer.from(part));
    },
  });
  for await (const chunk of answer.body) {
    length += chunk.length;
    if (length > LIMIT) throw unanswered(question, 'TooLarge', `the answer is larger than ${LIMIT >> 20} MB`);
    try {
      splitter.push(chunk);
    } catch (error) {
      throw unanswered(question, 'BadAnswer', `not JSON: ${messageOf(error)}`);
    }
  }
  const whole = answerIn(question, Buffer.concat(rest).toString('utf8'));
  const list = (whole.data as Record<string, unknown>)[name];
  if (!Array.isArray(list)) throw unanswered(question, 'BadAnswer', `the answer holds no ${name}`);
  if (list.length !== entries) throw unanswered(question, 'BadAnswer', `${name} holds what is no object`);
  return whole;
}

/** The answer, where it is one. */
async function accepted(question: ApiQuestion, answer: Answer): Promise<Answer> {
  if (answer.status === 200) return answer;
  throw await refusedBy(question, answer);
}

function answerIn(question: ApiQuestion, text: string): ApiAnswer {
  const { status, data, warnings, infos, isPartial } = rawIn(question, text);
  if (status !== 'success' || typeof data !== 'object' || data === null)
    throw unanswered(question, 'BadAnswer', status === 'error' ? saidIn(text) : 'not an answer of Prometheus’ API');
  return {
    data,
    partial: [...texts(warnings), ...(isPartial === true ? ['the server calls its answer partial'] : [])],
    infos: texts(infos),
  };
}

function rawIn(question: ApiQuestion, text: string): RawAnswer {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    throw notJson(question, text);
  }
  return object(raw);
}
