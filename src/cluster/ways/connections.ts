import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { messageOf, type NoAnswer } from '../../errors.ts';
import type { HandshakeQuestion, PageQuestion } from '../question/question.ts';
import { unanswered } from '../question/text.ts';
import type { ApiServer } from './api-server.ts';
import { Overdue, type Patience } from './deadline.ts';
import type { Kubectl } from './kubectl-process.ts';
import type { Connection } from './pages.ts';
import { ForwardBroke, openPortForward, type PortForward } from './port-forward.ts';
import { hindranceIn, rightIn } from './refusal.ts';
import { attempted, type PodPort, saidOf, type Tunnel, type WebSockets } from './tunnel.ts';

/** Opens connections to ports of pods: tunnels through the gateway, or else a `kubectl port-forward` for each port. */
export interface Connections {
  /** Rejects with NoAnswer. */
  open(question: PageQuestion | HandshakeQuestion): Promise<Connection>;
  close(): Promise<void>;
}

/** How long a kubelet may take to say that a port refuses (ms). */
const SOON = 1000;

/** What a kubelet says of a tunnel over which nothing is sent; '' when it says nothing. */
async function listened(stream: Duplex): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve) => {
    timer = setTimeout(resolve, SOON);
    stream.once('close', resolve).once('end', resolve).resume();
  });
  clearTimeout(timer);
  stream.destroy();
  return saidOf(stream);
}

/** So many connections at most in one tunnel: they share what comes through it. */
const MOST = 8;

/** A connection to a port. Those that are asked for in the same turn go through one tunnel. */
function gathered(tunnel: Tunnel, patience: Patience): (to: PodPort) => Promise<Duplex> {
  interface Group {
    count: number;
    streams: Promise<readonly Duplex[]>;
  }
  const gathering = new Map<string, Group>();
  const gather = (to: PodPort, key: string): Group => {
    const group: Group = {
      count: 0,
      streams: new Promise(setImmediate).then(() => {
        if (gathering.get(key) === group) gathering.delete(key);
        return tunnel(to, group.count, patience);
      }),
    };
    gathering.set(key, group);
    return group;
  };
  return async (to) => {
    const key = `${to.namespace}/${to.pod}:${to.port}`;
    const known = gathering.get(key);
    const group = known && known.count < MOST ? known : gather(to, key);
    const index = group.count++;
    return (await group.streams)[index] as Duplex;
  };
}

export function connectionsThrough(
  apiServer: () => Promise<ApiServer>,
  kubectl: Kubectl,
  patience: Patience,
  websockets: WebSockets,
): Connections {
  const forwards = new Map<string, Promise<PortForward>>();
  const all: Promise<PortForward>[] = [];
  let closed = false;
  /** Once a tunnel was refused, the next would be too: an old proxy on the way, or a right that is missing. */
  let tunnels = true;
  let through: ((to: PodPort) => Promise<Duplex>) | undefined;

  async function tunnelTo(question: PageQuestion | HandshakeQuestion): Promise<Connection | null> {
    // Without a gateway, kubectl's port-forward says why.
    const server = await apiServer().catch(() => null);
    if (!tunnels || websockets.work === false || !server?.tunnel) return null;
    const { tunnel } = server;
    through ??= gathered(tunnel, patience);
    const open = through;
    const stream = await attempted(
      websockets,
      patience,
      () => open(question),
      () => {
        tunnels = false;
      },
    ).catch((error: unknown) => {
      throw error instanceof Overdue ? unanswered(question, error.stop, error.message) : error;
    });
    if (stream === null) return null;
    const again = (): Promise<string> =>
      tunnel(question, 1, patience).then(
        ([only]) => listened(only as Duplex),
        () => '',
      );
    return {
      stream,
      // What we sent may have crossed the kubelet's last word, and a connection that is reset loses it: then another
      // one, over which nothing is sent, hears it.
      words: async () => saidOf(stream) || (await again()),
    };
  }

  /** The port's port-forward if it lives; a new one otherwise. */
  async function forwardTo(question: PageQuestion | HandshakeQuestion): Promise<PortForward> {
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
    async open(question) {
      const tunnel = await tunnelTo(question);
      if (tunnel) return tunnel;
      try {
        const { local, words } = await forwardTo(question);
        const stream = connect(local, '127.0.0.1');
        // Whoever uses it hears of its errors; one that comes after the end is nobody's.
        stream.on('error', () => undefined);
        return { stream, words };
      } catch (error) {
        throw notForwarded(question, error);
      }
    },
    async close() {
      closed = true;
      await Promise.all(all.map((forward) => forward.then((open) => open.close()).catch(() => undefined)));
    },
  };
}

/** Why a port-forward could not be opened. */
function notForwarded(question: PageQuestion | HandshakeQuestion, error: unknown): NoAnswer {
  const words = messageOf(error);
  if (error instanceof Overdue) return unanswered(question, error.stop, words);
  const right = rightIn(words);
  return unanswered(question, error instanceof ForwardBroke ? hindranceIn(words) : 'BadAnswer', words, {
    ...(right && { right }),
    cause: error,
  });
}
