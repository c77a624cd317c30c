import type { Cluster } from '../../cluster/question/cluster.ts';
import type { PageQuestion, UrlQuestion } from '../../cluster/question/question.ts';
import { askJson, unanswered } from '../../cluster/question/text.ts';

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

/** Asks Prometheus’ API. Throws NoAnswer where it gives none, or an error. */
export async function askApi(cluster: Cluster, question: PageQuestion | UrlQuestion): Promise<ApiAnswer> {
  return answerIn(question, await askJson(cluster, question));
}

function answerIn(question: PageQuestion | UrlQuestion, answer: unknown): ApiAnswer {
  const { status, data, error, warnings, infos, isPartial } = (answer ?? {}) as RawAnswer;
  if (status !== 'success' || typeof data !== 'object' || data === null) {
    throw unanswered(question, 'BadAnswer', typeof error === 'string' ? error : 'not an answer of Prometheus’ API');
  }
  return {
    data,
    partial: [...textsIn(warnings), ...(isPartial === true ? ['the server calls its answer partial'] : [])],
    infos: textsIn(infos),
  };
}

const textsIn = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
