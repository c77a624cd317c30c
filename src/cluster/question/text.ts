import { NoAnswer } from '../../errors.ts';
import { quote } from '../ways/http.ts';
import { type Answer, type Cluster, TEXT_LIMIT } from './cluster.ts';
import { commandOf, type ListQuestion, type Question, rightOf } from './question.ts';

/** The whole body as text. Throws NoAnswer (`TooLarge`) past `limit` bytes. */
export async function textOf(question: Question, answer: Answer, limit = TEXT_LIMIT): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer.body) {
    length += chunk.length;
    if (length > limit) throw unanswered(question, 'TooLarge', `the answer is larger than ${limit >> 20} MB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Asks for an answer of JSON. Anything but a 200 with JSON in it is NoAnswer. */
export async function askJson(cluster: Cluster, question: Exclude<Question, ListQuestion>): Promise<unknown> {
  const answer = await cluster.read(question);
  const text = await textOf(question, answer);
  if (answer.status !== 200) throw unanswered(question, 'BadAnswer', `HTTP ${answer.status}: ${firstLine(text)}`);
  try {
    return JSON.parse(text);
  } catch {
    const seen = text.trimStart().startsWith('<') ? 'an HTML page (a login?)' : `not JSON: ${firstLine(text)}`;
    throw unanswered(question, 'BadAnswer', seen);
  }
}

/** A NoAnswer for `question`. */
export const unanswered = (
  question: Question,
  hindrance: NoAnswer['unanswered']['hindrance'],
  words: string,
  options: { triedInstead?: readonly string[]; right?: NoAnswer['unanswered']['right']; cause?: unknown } = {},
): NoAnswer =>
  new NoAnswer(
    {
      hindrance,
      command: commandOf(question),
      words,
      right: options.right ?? rightOf(question),
      triedInstead: options.triedInstead ?? [],
    },
    { cause: options.cause },
  );

/** The first line with something in it, at most 200 characters of it. */
export const firstLine = (text: string): string =>
  (text.split('\n').find((line) => line.trim() !== '') ?? '').trim().slice(0, 200);

/** The first line of an answer that is an error page. */
export async function quoteAnswer(answer: Answer): Promise<string> {
  return firstLine(await quote(answer.body));
}

/** Asks for an answer that is read as it comes in. Anything but a 200 is NoAnswer, by `hindranceOf` its status. */
export async function askPage(
  cluster: Cluster,
  question: Exclude<Question, ListQuestion>,
  hindranceOf: (status: number) => NoAnswer['unanswered']['hindrance'] = () => 'BadAnswer',
): Promise<Answer> {
  const answer = await cluster.read(question);
  if (answer.status === 200) return answer;
  throw unanswered(question, hindranceOf(answer.status), `HTTP ${answer.status}: ${await quoteAnswer(answer)}`);
}
