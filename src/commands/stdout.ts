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

function isPlain(fd: number): boolean {
  if (process.platform === 'win32') return false;
  try {
    const stat = fstatSync(fd);
    return stat.isFile() || stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}

/** A file, a pipe or a socket. Whoever gave it may have said that nothing waits for it: then Node's own stream does. */
function plainOutput(fd: number, stream: () => NodeJS.WriteStream): Output {
  let opened: NodeJS.WriteStream | null = null;
  return {
    write(text, done) {
      if (opened) return opened.write(text, done);
      let rest = Buffer.from(text);
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
  return isPlain(1) ? plainOutput(1, stream) : stream();
}
