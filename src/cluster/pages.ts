import type { NoAnswer } from '../errors.ts';
import { messageOf } from '../errors.ts';
import type { Answer } from './cluster.ts';
import { Overdue, type Patience } from './deadline.ts';
import { httpGet } from './http.ts';
import type { Kubectl } from './kubectl.ts';
import { ForwardBroke, openPortForward, type PortForward } from './port-forward.ts';
import type { PageQuestion } from './question.ts';
import { hindranceIn, rightIn } from './refusal.ts';
import { unanswered } from './text.ts';

/** Reads pages inside pods, through one `kubectl port-forward` for each pod. */
export interface Pages {
  read(question: PageQuestion): Promise<Answer>;
  close(): Promise<void>;
}

interface Entry {
  ports: readonly number[];
  forward: Promise<PortForward>;
}

export function pagesThroughPortForwards(kubectl: Kubectl, patience: Patience): Pages {
  const entries = new Map<string, Entry>();
  let closed = false;

  /** The pod's port-forward if it lives and knows the port; a new one otherwise. */
  async function forwardTo(question: PageQuestion): Promise<PortForward> {
    const { namespace, pod, port, alongside = [] } = question;
    const key = `${namespace}/${pod}`;
    const known = entries.get(key);
    if (known?.ports.includes(port)) {
      const forward = await known.forward;
      if (forward.alive()) return forward;
    }
    if (closed) throw new ForwardBroke('the run has ended');
    const ports = [...new Set([port, ...alongside, ...(known?.ports ?? [])])];
    const forward = openPortForward(kubectl, { namespace, pod, ports }, patience);
    entries.set(key, { ports, forward });
    // The one that is replaced may still serve another reader; it is closed with all others at the end.
    if (known) replaced.push(known.forward);
    return forward;
  }
  const replaced: Promise<PortForward>[] = [];

  /** A refused port makes today's kubectl end the port-forward a moment later: the next question opens another. */
  const giveUp = (question: PageQuestion, forward: PortForward): void => {
    const key = `${question.namespace}/${question.pod}`;
    replaced.push(Promise.resolve(forward));
    // Another reader may have opened a new one already.
    void entries.get(key)?.forward.then((current) => {
      if (current === forward) entries.delete(key);
    });
  };

  return {
    async read(question) {
      let forward: PortForward;
      try {
        forward = await forwardTo(question);
      } catch (error) {
        throw notForwarded(question, error);
      }
      try {
        const options = { host: '127.0.0.1', port: forward.local(question.port), path: question.path };
        const headers = { host: `localhost:${question.port}`, connection: 'close', 'accept-encoding': 'identity' };
        const answer = await httpGet({ ...options, headers, agent: false }, patience);
        return { ...answer, body: guarded(question, answer.body, forward) };
      } catch (error) {
        giveUp(question, forward);
        throw await broken(question, error, forward);
      }
    },
    async close() {
      closed = true;
      const all = [...[...entries.values()].map((entry) => entry.forward), ...replaced];
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

/** Why an exchange through an open port-forward broke. */
async function broken(question: PageQuestion, error: unknown, forward: PortForward): Promise<NoAnswer> {
  if (error instanceof Overdue) return unanswered(question, error.stop, error.message);
  const words = (await forward.words(question.port)) || messageOf(error);
  // Node's ECONNREFUSED says that kubectl is gone, kubectl's own words that the pod refused.
  const hindrance = /connection refused/i.test(words) ? 'ConnectionRefused' : 'BadAnswer';
  return unanswered(question, hindrance, words, { cause: error });
}

async function* guarded(
  question: PageQuestion,
  body: AsyncIterable<Buffer>,
  forward: PortForward,
): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } catch (error) {
    throw await broken(question, error, forward);
  }
}
