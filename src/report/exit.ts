/** What a run concluded. */
export const VERDICTS = ['healthy', 'broken', 'error', 'inconclusive', 'not-applicable', 'unreachable'] as const;
export type VerdictWord = (typeof VERDICTS)[number];

/** Where --fail-on draws the line. */
export const FAIL_ON = ['warn', 'unknown', 'fail', 'new', 'never'] as const;
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

/** The worst that a baseline does not have: null where it has all, or none was given. */
export type Fresh = 'fail' | 'unknown' | null;

/** What an exit code stands on beside the verdict. */
export interface Grounds {
  warns: boolean;
  fresh: Fresh;
}

/** The process's exit code: the same for every output format. --fail-on moves it and never the verdict. */
export function exitCodeOf(
  verdict: VerdictWord,
  { warns, fresh }: Grounds,
  failOn: FailOn,
  signal: Signal | null = null,
): number {
  if (signal) return signal === 'SIGINT' ? 130 : 143;
  if ((verdict === 'healthy' || verdict === 'inconclusive') && warns && failOn === 'warn') return 1;
  if ((verdict === 'broken' || verdict === 'inconclusive') && failOn === 'new')
    return fresh === 'fail' ? CODES.broken : fresh === 'unknown' ? CODES.inconclusive : 0;
  if (verdict === 'inconclusive' && (failOn === 'fail' || failOn === 'never')) return 0;
  if (verdict === 'broken' && failOn === 'never') return 0;
  return CODES[verdict];
}

/** Of a run that came to no diagnosis. */
export const NO_GROUNDS: Grounds = { warns: false, fresh: null };
