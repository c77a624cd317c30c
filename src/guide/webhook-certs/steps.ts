import { sectionOf } from '../section.ts';

export const WEBHOOK_CONFIGURATION = 'webhook-configuration';
export const WEBHOOK_SELECTION = 'webhook-selection';
export const WEBHOOK_SERVICE = 'webhook-service';
export const WEBHOOK_HANDSHAKE = 'webhook-handshake';
export const WEBHOOK_CALLS = 'webhook-calls';

export const docs = sectionOf('Webhook setup script files missing from 0.5 release package');
