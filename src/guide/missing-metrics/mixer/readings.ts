import type { MixerPages } from '../../../evidence/mixer/pages.ts';
import type { MixerReading } from '../../../evidence/mixer/reading.ts';

/**
 * By how much a counter rose between the two readings, over all pods. A pod that was restarted in between starts at
 * zero: all it has is new (mixer.md 7, trap 3).
 */
export function increase(pages: readonly MixerPages[], of: (reading: MixerReading) => number): number {
  let sum = 0;
  for (const { reading, later } of pages) {
    if (!('got' in reading) || !later || !('got' in later)) continue;
    const [before, after] = [of(reading.got), of(later.got)];
    const restarted = reading.got.startedAt !== later.got.startedAt || after < before;
    sum += restarted ? after : after - before;
  }
  return sum;
}

/** Pods with both readings. */
export const readTwice = (pages: readonly MixerPages[]): boolean =>
  pages.length > 0 && pages.every(({ reading, later }) => 'got' in reading && later !== null && 'got' in later);

/** Counts of a page whose numbers lag by ten seconds: 1.1's exporter (mixer.md 2.2). */
export const lags = (pages: readonly MixerPages[]): boolean =>
  pages.some(({ reading }) => 'got' in reading && reading.got.dialect === 'B');
