import type { Duplex } from 'node:stream';
import type { NoAnswer } from '../../errors.ts';
import { messageOf } from '../../errors.ts';
import type { Answer } from '../question/cluster.ts';
import type { HandshakeQuestion, PageQuestion } from '../question/question.ts';
import { unanswered } from '../question/text.ts';
import { Overdue, type Patience } from './deadline.ts';
import { type HttpAnswer, httpGet } from './http.ts';
import { isRefusedByPod } from './refusal.ts';

/** An open connection to a port of a pod, by whichever way. */
export interface Connection {
  stream: Duplex;
  /** The kubelet's or kubectl's words on why it broke; '' when they have none. */
  readonly words: () => Promise<string>;
}

/** GETs a page over a connection of its own. Throws NoAnswer; the body does too when it breaks off. */
export async function getPage(question: PageQuestion, connection: Connection, patience: Patience): Promise<Answer> {
  const headers = { host: `localhost:${question.port}`, connection: 'close', 'accept-encoding': 'identity' };
  // Node's client asks no more of a connection than that it is a stream.
  const createConnection = (): import('node:net').Socket => connection.stream as import('node:net').Socket;
  try {
    const answer = await httpGet({ createConnection, path: question.path, headers }, patience);
    return { ...answer, body: guarded(question, answer.body, connection) };
  } catch (error) {
    throw await brokenBy(question, error, connection);
  }
}

/** Why an exchange over an open connection broke. */
export async function brokenBy(
  question: PageQuestion | HandshakeQuestion,
  error: unknown,
  { words }: Connection,
): Promise<NoAnswer> {
  if (error instanceof Overdue) return unanswered(question, error.stop, error.message);
  const said = (await words()) || messageOf(error);
  const hindrance = isRefusedByPod(said, question.port) ? 'ConnectionRefused' : 'BadAnswer';
  return unanswered(question, hindrance, said, { cause: error });
}

async function* guarded(
  question: PageQuestion,
  body: HttpAnswer['body'],
  connection: Connection,
): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } catch (error) {
    throw await brokenBy(question, error, connection);
  } finally {
    // A server may leave open what it was asked to close.
    connection.stream.destroy();
  }
}
