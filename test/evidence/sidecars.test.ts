import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Gatherer } from '../../src/diagnosis/gather.ts';
import { sidecars } from '../../src/evidence/istio/routing.ts';
import type { Listing } from '../../src/evidence/kubernetes/lists.ts';
import type { Sidecar } from '../../src/istio/sidecars.ts';
import { plane, scope } from '../support/judging.ts';

async function uncapturedBy(spec: object): Promise<Sidecar['uncaptured']> {
  const cluster = {
    list: async () => [{ metadata: { name: 'web', namespace: 'shop' }, spec }],
    read: () => assert.fail('nothing is read'),
  };
  const gatherer = new Gatherer({ cluster, scope, now: 0, sleep: () => Promise.resolve() }, () => 0);
  const { items } = (await gatherer.gather(sidecars, plane)).evidence as Listing<Sidecar>;
  return items[0]?.uncaptured;
}

describe('what a Sidecar keeps from redirection', () => {
  for (const [what, spec, uncaptured] of [
    ['nothing, where it names no captureMode', { egress: [{ hosts: ['*/*'] }] }, undefined],
    ['nothing, by another captureMode', { egress: [{ captureMode: 'IPTABLES', hosts: ['*/*'] }] }, undefined],
    [
      'nothing, by a listener of one port',
      { egress: [{ captureMode: 'NONE', port: { number: 80 }, hosts: ['*/*'] }] },
      undefined,
    ],
    ['all that is sent', { egress: [{ captureMode: 'NONE', hosts: ['*/*'] }] }, { outbound: true, inbound: [] }],
    [
      'the ports that it serves so',
      { ingress: [{ captureMode: 'NONE', port: { number: 8080 } }, { port: { number: 9090 } }] },
      { outbound: false, inbound: [8080] },
    ],
    // istio#37530: a listener where a list is asked for; the API server takes it where no schema is.
    [
      'nothing, by a text or an object in the place of a list',
      { egress: { captureMode: 'NONE' }, ingress: 'NONE' },
      undefined,
    ],
  ] as const) {
    it(`is ${what}`, async () => assert.deepEqual(await uncapturedBy(spec), uncaptured));
  }
});
