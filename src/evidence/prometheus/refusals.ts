import type { Answer } from '../../cluster/question/cluster.ts';
import type { PageQuestion, UrlQuestion } from '../../cluster/question/question.ts';
import { firstLine, unanswered } from '../../cluster/question/text.ts';
import { quote } from '../../cluster/ways/http.ts';
import type { NoAnswer } from '../../errors.ts';

type ApiQuestion = PageQuestion | UrlQuestion;

/** What an answer other than 200 means. */
export async function refusedBy(question: ApiQuestion, answer: Answer): Promise<NoAnswer> {
  const said = saidIn(await quote(answer.body));
  const words = `HTTP ${answer.status}${said === '' ? '' : `: ${said}`}`;
  if (answer.status === 401 || answer.status === 403)
    return unanswered(question, 'Unauthorized', `${words}: ${loginWords(question, said)}`);
  if (answer.status === 404) return unanswered(question, 'NotFound', `${words}: ${absenceWords(question)}`);
  return unanswered(question, 'BadAnswer', words);
}

/** What an answer means that is no JSON. */
export function notJson(question: ApiQuestion, text: string): NoAnswer {
  const said = saidIn(text);
  const seen = isHtml(text)
    ? `an HTML page${said === '' ? '' : `, “${said}”`}: ${loginWords(question, said)}`
    : `not JSON: ${said}`;
  return unanswered(question, 'BadAnswer', seen);
}

const isHtml = (text: string): boolean => text.trimStart().startsWith('<');

/** The server's own words in an answer that is none: its error, a page's title, or the first line. */
export function saidIn(text: string): string {
  if (isHtml(text)) return firstLine(/<title[^>]{0,200}>([^<]{1,400})/i.exec(text)?.[1] ?? '');
  try {
    const { error, message } = (JSON.parse(text) ?? {}) as { error?: unknown; message?: unknown };
    for (const each of [error, message]) if (typeof each === 'string') return firstLine(each);
  } catch {
    // It is no JSON.
  }
  return firstLine(text);
}

function loginWords(question: ApiQuestion, said: string): string {
  if (question.ask === 'page')
    return 'a login is needed: name its address with --prometheus-url, and --prometheus-token-file';
  // Mimir, Cortex and Loki call a tenant so.
  if (/org ?id/i.test(said)) return "a tenant is wanted: name it with --prometheus-header 'X-Scope-OrgID: TENANT'";
  return question.login?.tokenFile
    ? 'a login is needed, and the token of --prometheus-token-file is not taken for one'
    : 'a login is needed: name one with --prometheus-token-file or --prometheus-header';
}

const absenceWords = (question: ApiQuestion): string =>
  /\/query(_range)?\?/.test(question.ask === 'url' ? question.url : question.path)
    ? 'is that the whole address, with its prefix? Mimir’s is /prometheus'
    : 'it has no such page; a store that scrapes nothing by itself has none';
