import type { WebSocket } from 'ws';
import type { PodStream } from './spdy.ts';

/** A kubelet's end of a port-forward in its WebSocket form: two channels a port, which begin by repeating the port. */
export function serveTunnel(
  socket: WebSocket,
  ports: readonly number[],
  onStream: (port: number, stream: PodStream, errors: Pick<PodStream, 'write' | 'end'>) => void,
): void {
  const send = (channel: number, bytes: Buffer): void => {
    if (socket.readyState === socket.OPEN) socket.send(Buffer.concat([Buffer.from([channel]), bytes]));
  };
  // A real one closes when the pods' ends of all ports are closed, after its last word, and says nothing before.
  const ended = new Set<number>();
  const end = (channel: number): void => {
    if (ended.add(channel).size === 2 * ports.length) socket.close();
  };
  for (const [index, port] of ports.entries()) {
    const [data, error] = [2 * index, 2 * index + 1];
    const head = Buffer.alloc(2);
    head.writeUInt16LE(port);
    send(data, head);
    send(error, head);
    onStream(
      port,
      {
        onData: (listener) =>
          void socket.on('message', (message: Buffer) => message[0] === data && listener(message.subarray(1))),
        onEnd: (listener) => void socket.once('close', listener),
        write: (chunk) => send(data, chunk),
        end: () => end(data),
      },
      { write: (chunk) => send(error, chunk), end: () => end(error) },
    );
  }
  socket.on('error', () => undefined);
}
