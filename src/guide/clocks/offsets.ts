import type { ClockReading } from '../../evidence/clocks/node-clocks.ts';

interface Clock extends ClockReading {
  node: string;
}

/** Pairs of clocks by how far they are apart at the least, whatever the errors; the farthest first. Milliseconds. */
export const apart = (clocks: readonly Clock[]): readonly { ahead: Clock; behind: Clock; least: number }[] =>
  clocks
    .flatMap((ahead) =>
      clocks.map((behind) => ({ ahead, behind, least: ahead.offset - behind.offset - ahead.error - behind.error })),
    )
    .filter(({ least }) => least > 0)
    .sort((a, b) => b.least - a.least);

/** `+3.2 s`, `-6 min`. */
export function signed(milliseconds: number): string {
  const seconds = Math.abs(milliseconds) / 1000;
  const sign = milliseconds < 0 ? '-' : '+';
  if (seconds < 120) return `${sign}${seconds.toFixed(1)} s`;
  return seconds < 7200 ? `${sign}${Math.round(seconds / 60)} min` : `${sign}${Math.round(seconds / 3600)} h`;
}
