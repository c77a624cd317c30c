import { readFileSync, readlinkSync } from 'node:fs';
import type { Output } from './io.ts';

/** Programs that start others as a person wrote it. */
const SHELLS = /^(?:[abdkz]?|ba|da|fi)sh$|^busybox$/;

/** How a file was opened: the lowest bits of its flags (fcntl.h). */
const ACCESS = 0b11;
const READ_AND_WRITE = 0b10;

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

function isDevNull(path: string): boolean {
  try {
    return readlinkSync(path) === '/dev/null';
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/**
 * Whether stdout was closed before the program began: `>&-`. Node opens /dev/null in its place, for reading and writing, as
 * Go does for kubectl; a shell that is told `> /dev/null` opens it for writing only. Such a /dev/null that is not also that
 * of the shell which started the program was none before. Only Linux tells.
 */
export function isStdoutClosed(): boolean {
  if (process.platform !== 'linux') return false;
  try {
    if (!isDevNull('/proc/self/fd/1')) return false;
    const [, flags = '0'] = /^flags:\s*(\d+)$/m.exec(readFileSync('/proc/self/fdinfo/1', 'utf8')) ?? [];
    const isOurs = (Number.parseInt(flags, 8) & ACCESS) === READ_AND_WRITE;
    const shell = readFileSync(`/proc/${process.ppid}/comm`, 'utf8').trim();
    return isOurs && SHELLS.test(shell) && !isDevNull(`/proc/${process.ppid}/fd/1`);
  } catch {
    return false;
  }
}

/** A stdout that nothing can be written to. */
export const closedOutput: Output = {
  write(_, done) {
    done?.(Object.assign(new Error('EBADF: stdout is closed'), { code: 'EBADF' }));
    return false;
  },
};
