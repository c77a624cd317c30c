import type { WebSocket } from 'ws';
import { PROGRAMS } from '../question/exec.ts';
import type { ExecQuestion } from '../question/question.ts';
import { type Patience, within } from './deadline.ts';
import type { Ran } from './kubectl.ts';
import { openSocket } from './tunnel.ts';

/** What a message carries, by its first byte. */
const [OUTPUT, ERRORS, STATUS] = [1, 2, 3];

/** A program that runs in a container, in the WebSocket form of an exec that kubelets speak since Kubernetes 1.4. */
export interface Running {
  /** Resolves when it has ended. Rejects with Overdue. */
  ran(): Promise<Ran>;
}

/**
 * Starts one of the programs of exec.ts through the socket of an ExecProxy, and reads at most `limit` bytes and one message
 * of what it prints. Rejects with TunnelRefused or Overdue: then it was not started.
 */
export const startInContainer = (
  socketPath: string,
  { namespace, pod, container, run }: ExecQuestion,
  limit: number,
  patience: Patience,
): Promise<Running> => {
  const query = new URLSearchParams({ container, stdout: 'true', stderr: 'true' });
  for (const word of PROGRAMS[run]) query.append('command', word);
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/exec?${query.toString()}`;
  return openSocket(socketPath, path, patience, (socket) => {
    const ended = endOf(socket, limit);
    return {
      async ran() {
        try {
          return await within(patience, ended);
        } finally {
          socket.terminate();
        }
      },
    };
  });
};

/** Never rejects: what ended before its status came has no exit code. */
function endOf(socket: WebSocket, limit: number): Promise<Ran> {
  const output: Buffer[] = [];
  let length = 0;
  let errors = '';
  let status = '';
  return new Promise((resolve) => {
    socket.on('message', (message: Buffer) => {
      const bytes = message.subarray(1);
      if (message[0] === OUTPUT && length <= limit) {
        output.push(bytes);
        length += bytes.length;
      } else if (message[0] === ERRORS) errors = (errors + bytes.toString('utf8')).slice(-65_536);
      else if (message[0] === STATUS) status = (status + bytes.toString('utf8')).slice(0, 65_536);
      if (length > limit) socket.terminate();
    });
    socket.once('close', () => resolve({ output: Buffer.concat(output), missing: false, ...saidIn(status, errors) }));
  });
}

/** The API server's account of how a program ended. */
interface Status {
  status?: string;
  message?: string;
  details?: { causes?: readonly { reason?: string; message?: string }[] };
}

/** The exit code, and what kubectl would say of it. */
function saidIn(text: string, errors: string): Pick<Ran, 'exitCode' | 'words'> {
  try {
    const { status, message, details } = JSON.parse(text) as Status;
    if (status === 'Success') return { exitCode: 0, words: errors.trim() };
    const code = details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message;
    if (code === undefined) return { exitCode: 1, words: String(message ?? errors.trim()) };
    return { exitCode: Number(code), words: `command terminated with exit code ${code}` };
  } catch {
    return { exitCode: undefined, words: 'the connection broke before the program had ended' };
  }
}
