import type { AnyCheck } from '../../../../diagnosis/check.ts';
import { scrapedOnce } from '../copies.ts';
import { samplesFresh } from '../freshness.ts';
import { rulesKeepMetrics } from '../metric-rules.ts';
import { namesKept } from '../names.ts';
import { proxiesToldApart } from '../told-apart.ts';
import { proxiesStored } from './proxies.ts';

/** What is asked of what a store holds of proxies, of whatever generation. */
export const storedChecks = [
  rulesKeepMetrics,
  namesKept,
  proxiesToldApart,
  samplesFresh,
  proxiesStored,
  scrapedOnce,
] as readonly AnyCheck[];
