import { type FileHandle, open } from 'node:fs/promises';
import { messageOf, UsageError } from '../../errors.ts';
import { type Entry, guide } from '../../guide/index.ts';
import { type Past, pastsIn } from '../../report/past.ts';
import type { Arguments } from '../arguments.ts';
import type { Io } from '../io.ts';
import { openSession } from '../session.ts';
import { look, reportsOf } from './look.ts';
import { NO_SPINNER } from './spinner.ts';

/** What chooses the workloads of a run, and how they are looked at: the same of a bundle that it is compared with. */
const OF_THE_RUN = [
  'workload',
  'namespace',
  'all-namespaces',
  'selector',
  'istio-namespace',
  'revision',
  'from',
  'sample',
] as const;

/** Every gzip begins with them. */
const GZIP = [0x1f, 0x8b] as const;

/** A file that a run is compared with. */
export interface Compared {
  file: string;
  /** Null of a bundle: what it reports is not known before it is replayed. */
  pasts: readonly Past[] | null;
}

/** Reads reports, or sees that it is a bundle. Throws UsageError for what is neither. */
export async function openCompared(file: string): Promise<Compared> {
  let handle: FileHandle | null = null;
  try {
    handle = await open(file);
    const [first, second] = (await handle.read(Buffer.alloc(2), 0, 2, 0)).buffer;
    if (first === GZIP[0] && second === GZIP[1]) return { file, pasts: null };
    return { file, pasts: pastsIn(await handle.readFile('utf8')) };
  } catch (error) {
    const isSystems = typeof (error as NodeJS.ErrnoException).code === 'string';
    throw new UsageError(isSystems ? `cannot read ${file}: ${messageOf(error)}` : `${file} is ${messageOf(error)}`);
  } finally {
    await handle?.close();
  }
}

/**
 * What a file reports of topics. A bundle is replayed for those it was made for, or else for `wanted`. Throws UsageError
 * where it is of none of `wanted`; null wants any.
 */
export async function pastsOf(
  { file, pasts }: Compared,
  wanted: readonly string[] | null,
  args: Arguments,
  io: Io,
): Promise<readonly Past[]> {
  const found = pasts ?? (await replayed(file, wanted, args, io));
  const fitting = found.filter(({ topic }) => wanted === null || wanted.includes(topic));
  if (fitting.length > 0) return fitting;
  throw new UsageError(
    `${file} is of ${found.map(({ topic }) => topic).join(', ')}, not of ${(wanted ?? []).join(', ')}`,
  );
}

async function replayed(
  file: string,
  wanted: readonly string[] | null,
  args: Arguments,
  io: Io,
): Promise<readonly Past[]> {
  const own = Object.fromEntries(OF_THE_RUN.map((name) => [name, args[name]]));
  const replaying: Arguments = { ...own, bundle: file, timeout: '0' };
  const session = await openSession(replaying, { ...io, headStart: null });
  try {
    const made = session.command === 'all' ? guide.map(({ id }) => id) : session.command && [session.command];
    const entries: readonly Entry[] = guide.filter(({ id }) => (made ?? wanted ?? ['missing-metrics']).includes(id));
    const looking = {
      topics: await Promise.all(entries.map((entry) => entry.load())),
      args: replaying,
      io,
      failOn: 'unknown' as const,
      ignores: [],
      baselines: [],
    };
    return reportsOf(looking, await look(looking, session, session.startedAt, NO_SPINNER, new Map()));
  } finally {
    await session.close();
  }
}
