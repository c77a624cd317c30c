import type { WebSocket } from 'ws';
import type { PodStream } from './spdy.ts';

/** A kubelet's end of a port-forward in its WebSocket form: two channels, which begin by repeating the port. */
export function serveTunnel(
  socket: WebSocket,
  port: number,
  onStream: (stream: PodStream, errors: Pick<PodStream, 'write' | 'end'>) => void,
): void {
  const send = (channel: number, bytes: Buffer): void => {
    if (socket.readyState === socket.OPEN) socket.send(Buffer.concat([Buffer.from([channel]), bytes]));
  };
  const head = Buffer.alloc(2);
  head.writeUInt16LE(port);
  send(0, head);
  send(1, head);
  // A real one closes when the pod's end is closed, after its last word.
  const ended = new Set<number>();
  const end = (channel: number): void => {
    if (ended.add(channel).size === 2) socket.close();
  };
  onStream(
    {
      onData: (listener) => void socket.on('message', (message: Buffer) => listener(message.subarray(1))),
      onEnd: (listener) => void socket.once('close', listener),
      write: (chunk) => send(0, chunk),
      end: () => end(0),
    },
    { write: (chunk) => send(1, chunk), end: () => end(1) },
  );
  socket.on('error', () => undefined);
}
