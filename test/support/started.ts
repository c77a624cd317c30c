import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface Ended {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

/** A run that hangs is ended after this (ms), and the test fails by its signal. */
const HANG = 90_000;

/** A program as a user starts it; `act` may signal it or close its stdout. */
export function started(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  act: (child: ChildProcess) => void = () => undefined,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: what a shell has started would hold its pipes.
      detached: true,
    });
    const hang = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), HANG);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(hang);
      resolve({ code, signal, stdout, stderr });
    });
    act(child);
  });
}

/** Command lines of the other processes whose environment has this variable: what a run has left. */
export const leftWith = (name: string, value: string): readonly string[] =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid))
    .flatMap((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
        return environment.includes(`${name}=${value}`)
          ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')]
          : [];
      } catch {
        return [];
      }
    });
