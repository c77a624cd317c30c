import type { Topic } from '../diagnosis/check.ts';
import { missingMetrics } from './missing-metrics/index.ts';

/** The topics, in the guide's order. */
export const guide: readonly Topic[] = [missingMetrics];
