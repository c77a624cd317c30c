import type { AnyCheck } from '../../../../diagnosis/check.ts';
import { prometheusFound } from '../found.ts';
import { scrapeAnnotations } from './annotations.ts';
import { metricsForPrometheus } from './localhost.ts';
import { prometheusAsksItself } from './proxied.ts';
import { proxiesReached } from './reached.ts';
import { monitorsTaken } from './taken.ts';
import { proxiesAreTargets } from './targeted.ts';
import { pagesAreReadable, pagesFitLimits, proxiesAnswer, proxiesServe } from './up.ts';

/** What is asked of the proxies that are to be scraped, whosever they are: causes before what follows from them. */
export const targetChecks = [
  monitorsTaken,
  proxiesReached,
  scrapeAnnotations,
  proxiesAreTargets,
  metricsForPrometheus,
  proxiesAnswer,
  proxiesServe,
  pagesAreReadable,
  pagesFitLimits,
] as readonly AnyCheck[];

/** What is asked of how Prometheus scrapes proxies, of whatever generation. */
export const scrapeChecks = [prometheusFound, prometheusAsksItself, ...targetChecks] as readonly AnyCheck[];
