import type { Step } from '../../../diagnosis/check.ts';
import { DOCS, ZTUNNEL_EMITS } from './steps.ts';
import { hboneAdmitted } from './ztunnel-emits/admitted.ts';
import { ztunnelsConnected } from './ztunnel-emits/connected.ts';
import { connectionsSucceed } from './ztunnel-emits/connections.ts';
import { ztunnelsEmit } from './ztunnel-emits/emitting.ts';
import { proxiesStarted } from './ztunnel-emits/pending.ts';

export const ztunnelEmits: Step = {
  id: ZTUNNEL_EMITS,
  title: 'Verify every ztunnel counts what it carries',
  hop: 'proxy->page',
  docs: () => DOCS.ztunnel,
  checks: [ztunnelsConnected, ztunnelsEmit, proxiesStarted, connectionsSucceed, hboneAdmitted],
  headline: ztunnelsEmit.id,
};
