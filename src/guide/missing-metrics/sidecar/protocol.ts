import type { Step } from '../../../diagnosis/check.ts';
import { requestsAreCounted } from './protocol/counted.ts';
import { portsAreNamed } from './protocol/named.ts';
import { DOCS, PROTOCOL } from './steps.ts';

export const protocol: Step = {
  id: PROTOCOL,
  title: 'Verify HTTP is taken for HTTP',
  hop: 'proxy->page',
  docs: () => DOCS.protocol,
  checks: [portsAreNamed, requestsAreCounted],
};
