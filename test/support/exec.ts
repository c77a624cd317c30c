import type { WebSocket } from 'ws';

/** What a program prints in a container, and the code that it ends with; null where the connection breaks. */
export interface Printed {
  output: string;
  code: number | null;
}

/** A kubelet's end of an exec in its WebSocket form: null where the container does not have the program. */
export function serveExec(socket: WebSocket, printed: Printed | null): void {
  const send = (channel: number, text: string): void =>
    socket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(text)]));
  const failure = (message: string, code?: number): object => ({
    metadata: {},
    status: 'Failure',
    message,
    ...(code === undefined
      ? { reason: 'InternalError', code: 500 }
      : { reason: 'NonZeroExitCode', details: { causes: [{ reason: 'ExitCode', message: `${code}` }] } }),
  });
  socket.on('error', () => undefined);
  // A real one begins with an empty message on each channel.
  for (const channel of [0, 1, 2, 3]) send(channel, '');
  if (printed === null) {
    send(3, JSON.stringify(failure('error executing command in container: exec: "sh": executable file not found')));
  } else {
    // In pieces, as a real one reads them: of little output in small ones.
    const size = Math.max(20, Math.min(32_768, Math.ceil(printed.output.length / 100)));
    for (let at = 0; at < printed.output.length; at += size) send(1, printed.output.slice(at, at + size));
    send(2, 'a warning\n');
    const { code } = printed;
    if (code === null) {
      send(3, 'null');
      return socket.terminate();
    }
    const words = `command terminated with non-zero exit code: exit status ${code}`;
    send(3, JSON.stringify(code === 0 ? { metadata: {}, status: 'Success' } : failure(words, code)));
  }
  socket.close(1000);
}
