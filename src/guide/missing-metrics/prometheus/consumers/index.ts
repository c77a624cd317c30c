import type { AnyCheck } from '../../../../diagnosis/check.ts';
import { grafanaAsksStore, kialiAsksStore } from './asks-store.ts';
import { kialiFindsLabels } from './kiali-labels.ts';
import { rateWindow } from './rate-window.ts';

/** What is asked of those who show the metrics of proxies, of whatever generation. */
export const consumerChecks = [grafanaAsksStore, kialiAsksStore, kialiFindsLabels, rateWindow] as readonly AnyCheck[];
