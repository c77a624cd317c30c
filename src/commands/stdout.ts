import { fstatSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import type { Output } from './io.ts';

/** Programs that start others as a person wrote it. */
const SHELLS = /^(?:[abdkz]?|ba|da|fi)sh$|^busybox$/;

/** How a file was opened: the lowest bits of its flags (fcntl.h). */
const ACCESS = 0b11;
const READ_AND_WRITE = 0b10;

const isErrno = (error: unknown, code: string): boolean => (error as NodeJS.ErrnoException).code === code;

function isDevNull(path: string): boolean {
  try {
    return readlinkSync(path) === '/dev/null';
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/**
 * Whether stdout was closed before the program began: `>&-`. Node opens /dev/null in its place, for reading and writing, as
 * Go does for kubectl; a shell that is told `> /dev/null` opens it for writing only. Such a /dev/null that is not also that
 * of the shell which started the program was none before. Only Linux tells.
 */
function isStdoutClosed(): boolean {
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
const closedOutput: Output = {
  write(_, done) {
    done?.(Object.assign(new Error('EBADF: stdout is closed'), { code: 'EBADF' }));
    return false;
  },
};

/** As much as every system's pipe takes at once (bytes). Whoever waits for more hears no signal meanwhile. */
const AT_ONCE = 16_384;

/** How much may be written without Node's stream: to a file anything, to what somebody reads no more than it takes at once. */
function atOnce(fd: number): number {
  if (process.platform === 'win32') return 0;
  try {
    const stat = fstatSync(fd);
    if (stat.isFile()) return Number.POSITIVE_INFINITY;
    return stat.isFIFO() || stat.isSocket() ? AT_ONCE : 0;
  } catch {
    return 0;
  }
}

/** A file, a pipe or a socket. What is full and waits for nobody is waited for by Node's own stream. */
function plainOutput(fd: number, limit: number, stream: () => NodeJS.WriteStream): Output {
  let opened: NodeJS.WriteStream | null = null;
  let left = limit;
  return {
    write(text, done) {
      let rest = Buffer.from(text);
      left -= rest.length;
      if (left < 0) opened ??= stream();
      if (opened) return opened.write(rest, done);
      try {
        while (rest.length > 0) rest = rest.subarray(writeSync(fd, rest));
        done?.();
        return true;
      } catch (error) {
        if (isErrno(error, 'EAGAIN')) opened = stream();
        else done?.(error as Error);
        return opened?.write(rest, done) ?? true;
      }
    },
  };
}

/** What stdout is. `stream` is Node's: to open it takes 2 ms, so that it is opened for a terminal and where it must wait. */
export function stdoutOf(stream: () => NodeJS.WriteStream): Output {
  if (isStdoutClosed()) return closedOutput;
  const limit = atOnce(1);
  return limit > 0 ? plainOutput(1, limit, stream) : stream();
}
