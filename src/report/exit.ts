/** What a run concluded. */
export type VerdictWord = 'healthy' | 'broken' | 'error' | 'inconclusive' | 'not-applicable' | 'unreachable';

/** Where --fail-on draws the line. */
export const FAIL_ON = ['warn', 'unknown', 'fail', 'never'] as const;
export type FailOn = (typeof FAIL_ON)[number];

const CODES: Readonly<Record<VerdictWord, number>> = {
  healthy: 0,
  broken: 1,
  error: 2,
  inconclusive: 3,
  'not-applicable': 4,
  unreachable: 5,
};

/** The signal that ended a run early. */
export type Signal = 'SIGINT' | 'SIGTERM';

/** The process's exit code: the same for every output format. --fail-on moves it and never the verdict. */
export function exitCodeOf(verdict: VerdictWord, warns: boolean, failOn: FailOn, signal: Signal | null = null): number {
  if (signal) return signal === 'SIGINT' ? 130 : 143;
  if ((verdict === 'healthy' || verdict === 'inconclusive') && warns && failOn === 'warn') return 1;
  if (verdict === 'inconclusive' && (failOn === 'fail' || failOn === 'never')) return 0;
  if (verdict === 'broken' && failOn === 'never') return 0;
  return CODES[verdict];
}
