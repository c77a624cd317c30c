import type { Judge } from './judge.ts';
import { OpenMetrics } from './open-metrics.ts';
import { Strict } from './strict.ts';

/** By the format that Prometheus would read a page as: it goes by the header alone. */
export const judgeOf = (contentType: string): Judge =>
  /^application\/openmetrics-text\b/i.test(contentType) ? new OpenMetrics() : new Strict();
