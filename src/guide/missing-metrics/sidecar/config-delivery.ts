import type { Step } from '../../../diagnosis/check.ts';
import { callersConfigured } from './callers/checks.ts';
import { istiodAnswers } from './config-delivery/istiod-answers.ts';
import { proxiesConfigured } from './config-delivery/proxies-configured.ts';
import { statsFilterTaken } from './config-delivery/stats-filter-taken.ts';
import { CONFIG_DELIVERY, DOCS } from './steps.ts';

export const configDelivery: Step = {
  id: CONFIG_DELIVERY,
  title: 'Verify the configuration arrives at every proxy',
  hop: 'workload->proxy',
  docs: () => DOCS.delivery,
  checks: [istiodAnswers, proxiesConfigured, statsFilterTaken, callersConfigured],
  headline: proxiesConfigured.id,
};
