import { injection } from '../../evidence/istio/injection.ts';
import { webhookLogs } from '../../evidence/istio/webhook-logs.ts';
import { mutating, validating, webhookHandshakes } from '../../evidence/istio/webhooks.ts';
import { failedCreates } from '../../evidence/kubernetes/failed-creates.ts';
import { allNamespaces, allServices } from '../../evidence/kubernetes/lists.ts';
import { section } from '../section.ts';
import { webhookCalls } from './webhook-calls.ts';
import { webhookConfiguration } from './webhook-configuration.ts';
import { webhookHandshake } from './webhook-handshake.ts';
import { webhookSelection } from './webhook-selection.ts';
import { webhookService } from './webhook-service.ts';

/**
 * "Webhook setup script files missing from 0.5 release package": without the scripts nobody signed the injector's
 * certificate. The same failure exists wherever the API server does not trust what the webhook shows (guide.md j).
 */
export const webhookCerts = section({
  steps: [webhookConfiguration, webhookSelection, webhookService, webhookHandshake, webhookCalls],
  sources: [allServices, allNamespaces, mutating, validating, injection, webhookHandshakes, webhookLogs, failedCreates],
});
