import { sectionOf } from '../section.ts';

export const PILOT_RUNNING = 'pilot-running';
export const REGISTRATION = 'registration';
export const PROXIES_CONNECTED = 'proxies-connected';
export const PROXIES_SYNCED = 'proxies-synced';
export const PROXIES_ACCEPT = 'proxies-accept';

export const docs = sectionOf('Verifying connectivity to Istio Pilot');
