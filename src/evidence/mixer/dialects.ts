import type { Metrics } from '../../prometheus/metrics.ts';
import { dialectA } from './dialect-a.ts';
import { dialectB, dialectC } from './dialect-bc.ts';
import { dialectO } from './dialect-o.ts';
import type { MixerReading } from './reading.ts';

/** Every dialect, the oldest first. */
const dialects = [dialectO, dialectA, dialectB, dialectC];

/** The page in release-neutral words; null when it is not a Mixer's, or of a Mixer that has no configuration yet. */
export const readingOf = (page: Metrics): MixerReading | null =>
  dialects.find((each) => each.speaks(page))?.read(page) ?? null;
