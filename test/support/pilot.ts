import type { Pilot } from '../../src/evidence/istio/pilot.ts';
import type { TypeSync } from '../../src/evidence/istio/sync.ts';
import { NOW } from './judging.ts';
import { pod } from './mixer.ts';

/** A replica of istiod. */
export const pilot = (name = 'istiod-1', change: Parameters<typeof pod>[0] = {}): Pilot => ({
  pod: pod({ name, labels: { app: 'istiod', istio: 'pilot' }, ...change }),
  version: '1.31.0',
  debugPort: 15014,
});

/** What istiod sent of a kind five minutes ago, and the proxy took. */
export const typeSync = (kind: string, change: Partial<TypeSync> = {}): TypeSync => ({
  kind,
  sent: 'a',
  acked: 'a',
  error: '',
  sentAt: NOW - 300_000,
  ...change,
});
