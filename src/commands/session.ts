import { setMaxListeners } from 'node:events';
import { rmSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { type Entry, recording } from '../cluster/bundle/recording.ts';
import { replaying } from '../cluster/bundle/replaying.ts';
import type { Cluster } from '../cluster/question/cluster.ts';
import type { PrometheusAt } from '../cluster/question/login.ts';
import { isSecondReading } from '../cluster/question/question.ts';
import { overTimeout, type Patience } from '../cluster/ways/deadline.ts';
import type { HeadStart } from '../cluster/ways/head-start.ts';
import { type Identity, identify } from '../cluster/ways/identity.ts';
import { endAllOf, type Kubectl } from '../cluster/ways/kubectl-process.ts';
import { liveCluster } from '../cluster/ways/live.ts';
import { observing } from '../cluster/ways/observing.ts';
import { makeScratch } from '../cluster/ways/scratch.ts';
import { messageOf, UsageError } from '../errors.ts';
import { escapeText } from '../report/escape.ts';
import { tool } from '../version.ts';
import type { Arguments } from './arguments.ts';
import type { Io } from './io.ts';
import { KUBECTL_FLAGS, kubectlFlagsOf } from './kubectl-flags.ts';
import { durationOf } from './options.ts';
import { prometheusOf, urlAccessOf } from './prometheus-flags.ts';

/** How long one request may take when the user does not say: kubectl gets the flag only when he does. */
const REQUEST_TIMEOUT = '10s';

/** A cluster to ask, live or from a bundle, and what must be put away after it. */
export interface Session {
  cluster: Cluster;
  source: 'live' | 'bundle';
  identity: Promise<Identity>;
  /** When the evidence is from, in milliseconds since 1970. */
  startedAt: number;
  /** The Prometheus that the user named, now or when the bundle was made; null for those that are found. */
  prometheus: PrometheusAt | null;
  /** What a bundle was made for: a topic or `all`; null where it does not tell, and of a cluster. */
  command: string | null;
  /** Begins another look: it may take as long as the first. */
  readonly renew: () => void;
  /** Waits for a time, but no longer than the run. */
  readonly sleep: (duration: number) => Promise<void>;
  /** Writes what was recorded, where that was asked for. Resolves to why it could not, or null: never rejects. */
  save(): Promise<string | null>;
  /** Ends every child and deletes every file, on every way out. */
  close(): Promise<void>;
}

/** Opens the cluster or the bundle that the arguments name. Throws UsageError and BundleError. */
export async function openSession(args: Arguments, io: Io): Promise<Session> {
  const bundle = args.bundle as string | undefined;
  durationOf(String(args.timeout), 'timeout');
  if (bundle === undefined) return openLive(args, io);
  const given = Object.keys(KUBECTL_FLAGS).filter((name) => args[name] !== undefined);
  const [useless] = [...given, ...['save-bundle', 'prometheus-url'].filter((name) => args[name] !== undefined)];
  if (useless !== undefined)
    throw new UsageError(`--${useless} means a live cluster, --bundle replays one: give one of them`);
  return openReplay(bundle, args, io);
}

async function openReplay(file: string, args: Arguments, io: Io): Promise<Session> {
  const { readBundle } = await import('../cluster/bundle/bundle.ts');
  const scratch = makeScratch();
  const drop = (): void => scratch.remove();
  process.once('exit', drop);
  const close = async (): Promise<void> => {
    scratch.remove();
    process.off('exit', drop);
  };
  try {
    const { entries, context, namespace, startedAt, prometheus, command } = await readBundle(file, scratch);
    // Without it a counter that stands still would look like one that counts.
    if (
      durationOf((args.window as string | undefined) ?? '0', 'window') > 0 &&
      !entries.some(({ key }) => isSecondReading(key))
    ) {
      throw new UsageError(`${file} holds no second reading: it was recorded without --window, so leave --window out`);
    }
    return {
      cluster: watched(replaying(entries), args, io),
      source: 'bundle',
      identity: Promise.resolve({ context, namespace, words: null }),
      startedAt: Date.parse(startedAt),
      prometheus,
      command,
      renew: () => undefined,
      sleep: () => Promise.resolve(),
      save: () => Promise.resolve(null),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** kubectl as the arguments configure it, and how long it is waited for. */
export interface Configured {
  kubectl: Kubectl;
  patience: Patience;
  /** Gives `patience` as much time again. */
  readonly renew: () => void;
}

export function openConfiguration(args: Arguments, io: Io): Configured {
  const timeout = durationOf(String(args.timeout), 'timeout');
  const patience: Patience = {
    request: durationOf((args['request-timeout'] as string | undefined) ?? REQUEST_TIMEOUT, 'request-timeout'),
    run: io.interrupt,
  };
  const renew = (): void => {
    patience.run = AbortSignal.any([io.interrupt, ...(timeout > 0 ? [timedOut(timeout, String(args.timeout))] : [])]);
    // Every question that is waited for listens to it.
    setMaxListeners(0, patience.run);
  };
  renew();
  const kubectl = { program: io.env.KUBECTL_PATH || 'kubectl', flags: kubectlFlagsOf(args), env: io.env };
  return { kubectl, patience, renew };
}

async function openLive(args: Arguments, io: Io): Promise<Session> {
  const startedAt = io.now();
  const file = args['save-bundle'] as string | undefined;
  const { kubectl, patience, renew } = openConfiguration(args, io);
  const urlAccess = urlAccessOf(args);
  const prometheus = prometheusOf(args);
  /** Why there will be no bundle: the first of the reasons, or null. */
  let unsaved: string | null = null;
  const spoil = (why: unknown): void => {
    if (why instanceof UsageError) throw why;
    unsaved ??= `the bundle was not written: ${messageOf(why)}`;
  };
  const partial = file === undefined ? undefined : await partialOf(file).catch(spoil);
  const headStart = fitting(io.headStart, kubectl);
  const scratch = headStart?.scratch ?? makeScratch();
  const drop = (): void => {
    scratch.remove();
    if (partial !== undefined) rmSync(partial, { force: true });
  };
  process.once('exit', drop);
  const live = liveCluster({ kubectl, patience, scratch, headStart, urlAccess });
  const entries: Entry[] = [];
  const cluster = partial === undefined ? live : recording(live, scratch, entries, spoil);
  const ending = new AbortController();
  const identity = Promise.race([live.start(), slow()]).then((files) =>
    identify(kubectl, files, { ...patience, run: AbortSignal.any([patience.run, ending.signal]) }),
  );
  return {
    cluster: watched(cluster, args, io),
    source: 'live',
    identity,
    startedAt,
    prometheus,
    command: null,
    renew,
    sleep: (duration) => sleepWithin(patience.run, duration),
    async save() {
      if (file === undefined || partial === undefined || unsaved !== null) return unsaved;
      const { context, namespace } = await identity;
      const { writeBundle } = await import('../cluster/bundle/bundle.ts');
      const [command = null] = Array.isArray(args._) ? args._.map(String) : [];
      const made = { tool, startedAt: new Date(startedAt).toISOString(), command };
      const head = { ...made, context, namespace, prometheus };
      try {
        await writeBundle(file, partial, head, entries);
        return null;
      } catch (error) {
        return `the bundle was not written: ${messageOf(error)}`;
      }
    },
    async close() {
      ending.abort('Interrupted');
      await live.close();
      await endAllOf(kubectl);
      drop();
      process.off('exit', drop);
    },
  };
}

const partialOf = async (file: string): Promise<string> =>
  (await import('../cluster/bundle/bundle.ts')).makePartial(file);

/** The head start if it was taken with the kubectl that was meant; ended if not. */
function fitting(headStart: HeadStart | null | undefined, kubectl: Kubectl): HeadStart | null {
  if (!headStart) return null;
  const { program, flags } = headStart.kubectl;
  if (program === kubectl.program && isDeepStrictEqual(flags, kubectl.flags)) return headStart;
  void headStart.end();
  return null;
}

/** How long the way to the API server may take before the context's name is asked for by itself (ms). */
const SLOW = 2000;

/** No files, after SLOW: whoever waits for a cluster that does not answer wants to know which it is. */
const slow = (): Promise<readonly string[]> =>
  new Promise((resolve) => {
    setTimeout(() => resolve([]), SLOW).unref();
  });

/** Aborts after `milliseconds`, which the user wrote as `written`, and keeps no process alive for it. */
function timedOut(milliseconds: number, written: string): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(overTimeout(written)), milliseconds).unref();
  return controller.signal;
}

/** Resolves after so many milliseconds, or when the run is over. */
export const sleepWithin = (run: AbortSignal, duration: number): Promise<void> =>
  new Promise((resolve) => {
    const stop = (): void => {
      clearTimeout(timer);
      run.removeEventListener('abort', stop);
      resolve();
    };
    const timer = setTimeout(stop, duration);
    if (run.aborted) stop();
    run.addEventListener('abort', stop, { once: true });
  });

/** With -v, every question on stderr. */
const watched = (cluster: Cluster, args: Arguments, io: Io): Cluster =>
  args.verbose === true
    ? observing(cluster, (command, took, outcome) =>
        io.stderr.write(`${escapeText(`${String(took).padStart(6)} ms  ${command}: ${outcome}`)}\n`),
      )
    : cluster;
