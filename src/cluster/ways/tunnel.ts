import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { Overdue, type Patience, within } from './deadline.ts';
import { quote } from './http.ts';

/** A port of a pod. */
export interface PodPort {
  namespace: string;
  pod: string;
  port: number;
}

/** So much of a page is kept for a slow reader, while others go on (bytes). */
const MOST_UNREAD = 16 * 1024 * 1024;

/** The API server, or something on the way to it, did not open the tunnel: another way may lead to the pod. */
class TunnelRefused extends Error {
  /** HTTP's, of the answer in its place; 0 where the connection broke. */
  readonly status: number;
  constructor(status: number, words: string) {
    super(words);
    this.status = status;
  }

  /** The pod is gone, or its node does not answer: that says nothing of other pods. */
  get isOfThisPodOnly(): boolean {
    return this.status === 404 || this.status >= 500;
  }
}

/** What a run has seen of WebSockets on the way to the API server, whoever opens them. */
export interface WebSockets {
  /**
   * Once one was opened, another that is not has its node as the reason. Where one was waited for in vain before, a proxy
   * on the way swallows them, and is as good as one that refuses. null as long as neither is known.
   */
  work: boolean | null;
}

/**
 * Opens a WebSocket by `open`, and notes what that shows of the way. null where another way is to be tried; `onRefused` is told
 * where it is for every pod. Rejects with Overdue where another way would only be waited for again.
 */
export async function attempted<T>(
  websockets: WebSockets,
  patience: Patience,
  open: () => Promise<T>,
  onRefused: () => void,
): Promise<T | null> {
  try {
    const opened = await open();
    websockets.work = true;
    return opened;
  } catch (error) {
    if (error instanceof TunnelRefused) {
      if (!error.isOfThisPodOnly) onRefused();
      return null;
    }
    if (!(error instanceof Overdue) || websockets.work || patience.run.aborted) throw error;
    websockets.work = false;
    return null;
  }
}

/** What the kubelet said of connections to a pod that could not be had, or broke. */
const said = new WeakMap<Duplex, string>();

/** The kubelet's own words on why a connection broke; '' when it had none. */
export const saidOf = (stream: Duplex): string => (said.get(stream) ?? '').trim();

/** A connection has two channels: its bytes, and what the kubelet says of it. */
const CHANNELS = 2;
const ERROR = 1;

/** So many connections to one port of a pod. */
export type Tunnel = (to: PodPort, count: number, patience: Patience) => Promise<readonly Duplex[]>;

/**
 * Connections to a port of a pod: the WebSocket form of a port-forward, which kubelets speak since Kubernetes 1.6,
 * through the socket of `kubectl proxy`. No kubectl process of its own, no local port, and the login of the gateway.
 * Rejects with TunnelRefused or Overdue.
 *
 * The kubelet would forward to several ports too. But what it is sent it hands on one after the other, and waits for a
 * port that does not accept: what was meant for the next would never come there.
 */
export async function openTunnel(
  socketPath: string,
  { namespace, pod, port }: PodPort,
  count: number,
  patience: Patience,
): Promise<readonly Duplex[]> {
  const query = Array.from({ length: count }, () => `ports=${port}`).join('&');
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/portforward?${query}`;
  return openSocket(socketPath, path, patience, (socket) => streamsOf(socket, count));
}

/**
 * Opens a WebSocket of channels through the socket of a `kubectl proxy`: a message's first byte is its channel. `use` gets
 * it before its first message. Rejects with TunnelRefused or Overdue.
 */
export async function openSocket<T>(
  socketPath: string,
  path: string,
  patience: Patience,
  use: (socket: WebSocket) => T,
): Promise<T> {
  const { WebSocket } = await import('ws');
  const socket = new WebSocket(`ws://localhost${path}`, 'v4.channel.k8s.io', {
    createConnection: () => connect(socketPath),
    perMessageDeflate: false,
    skipUTF8Validation: true,
  });
  const opened = new Promise<T>((resolve, reject) => {
    socket.once('open', () => resolve(use(socket)));
    socket.once('unexpected-response', (_, response) => {
      void quote(response).then((words) => reject(new TunnelRefused(response.statusCode ?? 0, words)));
    });
    // Stays: a socket that breaks later must not become an unhandled 'error' event; its 'close' tells whoever uses it.
    socket.on('error', (error) => reject(new TunnelRefused(0, error.message)));
  });
  try {
    return await within(patience, opened);
  } catch (error) {
    socket.terminate();
    throw error;
  }
}

/** The bytes of each connection. A stream is destroyed with the kubelet's words when it reports an error of it. */
function streamsOf(socket: WebSocket, count: number): readonly Duplex[] {
  const opened = new Set<number>();
  let left = count;
  /** Those that take more: the socket rests only when none does, or one that nobody reads would stop the others. */
  const wanting = new Set(Array.from({ length: count }, (_, index) => index));
  const streams = [...wanting].map((index) => {
    const stream = new Duplex({
      read() {
        wanting.add(index);
        socket.resume();
      },
      // A socket that is closing says so at its 'close', with the kubelet's words.
      write: (chunk: Buffer, _encoding, done) =>
        socket.send(Buffer.concat([Buffer.from([index * CHANNELS]), chunk]), () => done()),
      destroy(error, done) {
        wanting.delete(index);
        left--;
        if (left === 0) socket.terminate();
        done(error);
      },
    });
    // Whoever reads hears of it; after the answer nobody does, and it must not end the process.
    return stream.on('error', () => undefined);
  });
  /** What has come is read first: a server may reset the connection after its last byte. */
  const over = (stream: Duplex): void => {
    if (stream.readableLength > 0 || saidOf(stream) === '') stream.push(null);
    else stream.destroy(new Error(saidOf(stream)));
  };
  socket.on('message', (message: Buffer) => {
    const channel = message[0] ?? ERROR;
    const index = Math.floor(channel / CHANNELS);
    const stream = streams[index];
    // The first message of each channel only repeats the port.
    if (!opened.has(channel)) opened.add(channel);
    else if (!stream || stream.destroyed) return;
    else if (channel % CHANNELS === ERROR) {
      // The socket stays open for the others: this one is over when the kubelet has said its last word.
      if (!said.has(stream)) setImmediate(over, stream);
      said.set(stream, (said.get(stream) ?? '') + message.subarray(1).toString('utf8'));
    } else if (!said.has(stream) && !stream.push(message.subarray(1))) {
      wanting.delete(index);
      if (wanting.size === 0 || stream.readableLength > MOST_UNREAD) socket.pause();
    }
  });
  socket.once('close', () => {
    for (const stream of streams) over(stream);
  });
  return streams;
}
