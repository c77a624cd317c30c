/** Why a run is over before it is done. */
export type Stop = 'Interrupted' | 'TimedOut';

/** How long to wait for what. All in milliseconds; 0 waits as long as the run may take. */
export interface Patience {
  /** For the first byte of an answer, and again for each next one. */
  request: number;
  /** Aborted with a Stop, or the Overdue that everybody who waits is told, as its reason when the run must end. */
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

function overdueBy({ reason }: AbortSignal): Overdue {
  if (reason === 'Interrupted') return new Overdue('Interrupted', 'interrupted before it answered');
  return reason instanceof Overdue ? reason : overTimeout('');
}

/** Why a run ends at its own --timeout: nobody else broke off. */
export const overTimeout = (timeout: string): Overdue =>
  new Overdue('TimedOut', `no answer within the run’s --timeout${timeout === '' ? '' : ` ${timeout}`}`);

/** `5000` as `5s`. */
const seconds = (milliseconds: number): string => `${Math.round(milliseconds / 100) / 10}s`;
