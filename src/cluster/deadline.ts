/** Why a run is over before it is done. */
export type Stop = 'Interrupted' | 'TimedOut';

/** How long to wait for what. All in milliseconds; 0 waits as long as the run may take. */
export interface Patience {
  /** For the first byte of an answer, and again for each next one. */
  request: number;
  /** Aborted with a Stop as its reason when the run must end. */
  run: AbortSignal;
}

/** Thrown by a wait that took too long. */
export class Overdue extends Error {
  readonly stop: Stop;
  constructor(stop: Stop, words: string) {
    super(words);
    this.stop = stop;
  }
}

/** Rejects with Overdue when `patience` is at its end before `promise` settles. Does not stop what was started. */
export async function within<T>(patience: Patience, promise: Promise<T>): Promise<T> {
  const { run, request } = patience;
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const overdue = new Promise<never>((_, reject) => {
    onAbort = () => reject(overdueBy(run));
    if (run.aborted) onAbort();
    run.addEventListener('abort', onAbort, { once: true });
    if (request > 0) {
      timer = setTimeout(() => reject(new Overdue('TimedOut', `no answer within ${seconds(request)}`)), request);
    }
  });
  try {
    return await Promise.race([promise, overdue]);
  } finally {
    clearTimeout(timer);
    if (onAbort) run.removeEventListener('abort', onAbort);
  }
}

const overdueBy = (run: AbortSignal): Overdue =>
  run.reason === 'Interrupted'
    ? new Overdue('Interrupted', 'interrupted before it answered')
    : new Overdue('TimedOut', 'the run’s --timeout was over before it answered');

/** `5000` as `5s`. */
const seconds = (milliseconds: number): string => `${Math.round(milliseconds / 100) / 10}s`;
