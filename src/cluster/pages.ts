import type { Socket } from 'node:net';
import type { NoAnswer } from '../errors.ts';
import { messageOf } from '../errors.ts';
import type { ApiServer } from './api-server.ts';
import type { Answer } from './cluster.ts';
import { Overdue, type Patience } from './deadline.ts';
import { type HttpAnswer, httpGet } from './http.ts';
import type { Kubectl } from './kubectl.ts';
import { ForwardBroke, openPortForward, type PortForward } from './port-forward.ts';
import type { PageQuestion } from './question.ts';
import { hindranceIn, rightIn } from './refusal.ts';
import { unanswered } from './text.ts';
import { TunnelBroke } from './tunnel.ts';

/**
 * Reads a page through a tunnel of its own. Throws TunnelRefused when there is none to be had, and NoAnswer for what
 * comes after.
 */
export async function readThroughTunnel(
  question: PageQuestion,
  open: NonNullable<ApiServer['tunnel']>,
  patience: Patience,
): Promise<Answer> {
  const stream = await open(question, patience);
  const said = async (): Promise<string> => (stream.errored instanceof TunnelBroke ? stream.errored.message : '');
  // Node's client asks no more of a connection than that it is a stream.
  return exchange(question, { createConnection: () => stream as Socket }, patience, said);
}

/** Pages inside pods, through a `kubectl port-forward` for each port: where the gateway has no tunnel to offer. */
export interface Pages {
  read(question: PageQuestion): Promise<Answer>;
  close(): Promise<void>;
}

export function pagesThroughPortForwards(kubectl: Kubectl, patience: Patience): Pages {
  const forwards = new Map<string, Promise<PortForward>>();
  const all: Promise<PortForward>[] = [];
  let closed = false;

  /** The port's port-forward if it lives; a new one otherwise. */
  async function forwardTo(question: PageQuestion): Promise<PortForward> {
    const key = `${question.namespace}/${question.pod}:${question.port}`;
    const known = forwards.get(key);
    if (known && (await known).alive()) return known;
    if (closed) throw new ForwardBroke('the run has ended');
    const forward = openPortForward(kubectl, question, patience);
    forwards.set(key, forward);
    all.push(forward);
    return forward;
  }

  return {
    async read(question) {
      let forward: PortForward;
      try {
        forward = await forwardTo(question);
      } catch (error) {
        throw notForwarded(question, error);
      }
      return exchange(question, { host: '127.0.0.1', port: forward.local, agent: false }, patience, forward.words);
    },
    async close() {
      closed = true;
      await Promise.all(all.map((forward) => forward.then((open) => open.close()).catch(() => undefined)));
    },
  };
}

/** Why a port-forward could not be opened. */
function notForwarded(question: PageQuestion, error: unknown): NoAnswer {
  const words = messageOf(error);
  if (error instanceof Overdue) return unanswered(question, error.stop, words);
  const right = rightIn(words);
  return unanswered(question, error instanceof ForwardBroke ? hindranceIn(words) : 'BadAnswer', words, {
    ...(right && { right }),
    cause: error,
  });
}

/** One request and its answer over an open connection to the pod. `said` tells why it broke, where that is known. */
async function exchange(
  question: PageQuestion,
  connection: Parameters<typeof httpGet>[0],
  patience: Patience,
  said: () => Promise<string>,
): Promise<Answer> {
  const headers = { host: `localhost:${question.port}`, connection: 'close', 'accept-encoding': 'identity' };
  try {
    const answer = await httpGet({ ...connection, path: question.path, headers }, patience);
    return { ...answer, body: guarded(question, answer.body, said) };
  } catch (error) {
    throw await broken(question, error, said);
  }
}

async function broken(question: PageQuestion, error: unknown, said: () => Promise<string>): Promise<NoAnswer> {
  if (error instanceof Overdue) return unanswered(question, error.stop, error.message);
  const words = (await said()) || messageOf(error);
  // Node's ECONNREFUSED says that kubectl is gone, kubectl's own words that the pod refused.
  const hindrance = /connection refused/i.test(words) ? 'ConnectionRefused' : 'BadAnswer';
  return unanswered(question, hindrance, words, { cause: error });
}

async function* guarded(
  question: PageQuestion,
  body: HttpAnswer['body'],
  said: () => Promise<string>,
): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } catch (error) {
    throw await broken(question, error, said);
  }
}
