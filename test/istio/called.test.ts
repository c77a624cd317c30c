import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { calledBy } from '../../src/istio/called.ts';
import { indexDestinationRules } from '../../src/istio/destination-rules.ts';
import { protocolOf } from '../../src/istio/protocol.ts';
import { registryOf } from '../../src/istio/services.ts';
import type { StreamMatch, StreamRule } from '../../src/istio/streams.ts';
import { viewOf } from '../../src/istio/view.ts';
import { mergeVirtualServices } from '../../src/istio/virtual-services.ts';

const HOST = 'db.bookinfo.svc.cluster.local';
const NAMES: Readonly<Record<number, string>> = { 7000: 'tcp-a', 7001: 'tcp-b', 7443: 'tls-c', 8000: 'http-d' };
const match = (change: Partial<StreamMatch> = {}): StreamMatch => ({
  port: null,
  gateways: [],
  sniHosts: [],
  destinationSubnets: [],
  sourceLabels: {},
  sourceNamespace: '',
  ...change,
});
const rule = (kind: StreamRule['kind'], to: string, ...matches: readonly StreamMatch[]): StreamRule => ({
  kind,
  matches,
  destinations: [{ host: to, subset: null, port: null }],
  shares: [null],
});

/** `HOST PORT` of all that a pod labelled app=web calls when it calls `db`. */
function called(...other: readonly StreamRule[]): readonly string[] {
  const exported = { exportTo: [], createdAt: 0, namespace: 'bookinfo' };
  const ports = Object.keys(NAMES).map(Number);
  const named = { kind: 'Service', http: [8000], endpoints: null } as const;
  const routing = {
    root: 'istio-system',
    registry: registryOf([{ ...exported, ...named, name: 'db', host: HOST, ports }]),
    destinationRules: indexDestinationRules([], { root: 'istio-system', exportTo: [] }),
    virtualServices: mergeVirtualServices(
      other.map((each, at) => ({
        ...exported,
        name: `v${at}`,
        createdAt: at,
        hosts: ['db'],
        gateways: [],
        http: [],
        other: [each],
      })),
    ),
    sidecars: [],
  };
  const view = viewOf(routing, { namespace: 'bookinfo', labels: { app: 'web' } });
  const protocolAt = (_: string, port: number) =>
    protocolOf({ name: NAMES[port] ?? null, port, protocol: 'TCP', appProtocol: null }, '1.31.0');
  return calledBy(view, protocolAt)
    .map(({ host, port }) => `${host.split('.', 1)[0]} ${port}`)
    .sort();
}

describe('what a rule for TCP or TLS leads to', () => {
  const db = (...ports: readonly number[]): readonly string[] => ports.map((port) => `db ${port}`);
  const cases: readonly [what: string, rules: readonly StreamRule[], calls: readonly string[]][] = [
    ['nothing where there is none', [], db(7000, 7001, 7443, 8000)],
    ['all of TCP without a match', [rule('tcp', 'x')], [...db(7443, 8000), 'x 7000', 'x 7001']],
    ['one port', [rule('tcp', 'x', match({ port: 7000 }))], [...db(7001, 7443, 8000), 'x 7000']],
    [
      'some addresses of a port',
      [rule('tcp', 'x', match({ port: 7000, destinationSubnets: ['10.0.0.0/8'] }))],
      [...db(7000, 7001, 7443, 8000), 'x 7000'],
    ],
    ['nothing at a gateway', [rule('tcp', 'x', match({ gateways: ['edge'] }))], db(7000, 7001, 7443, 8000)],
    [
      'nothing of another caller’s',
      [rule('tcp', 'x', match({ sourceLabels: { app: 'a' } }))],
      db(7000, 7001, 7443, 8000),
    ],
    ['nothing of another namespace’s', [rule('tcp', 'x', match({ sourceNamespace: 'a' }))], db(7000, 7001, 7443, 8000)],
    [
      'a caller that it is for',
      [rule('tcp', 'x', match({ sourceLabels: { app: 'web' }, sourceNamespace: 'bookinfo' }))],
      [...db(7443, 8000), 'x 7000', 'x 7001'],
    ],
    [
      'each port by the first that is for it',
      [rule('tcp', 'x', match({ port: 7000 })), rule('tcp', 'y'), rule('tcp', 'z')],
      [...db(7443, 8000), 'x 7000', 'y 7001'],
    ],
    [
      'ports that are TLS, where it is for TLS',
      [rule('tls', 'x', match({ sniHosts: ['a'] })), rule('tls', 'y', match({ sniHosts: ['b'] }))],
      [...db(7000, 7001, 8000), 'x 7443', 'y 7443'],
    ],
    [
      'a name by the first that asks for it',
      [rule('tls', 'x', match({ sniHosts: ['a'] })), rule('tls', 'y', match({ sniHosts: ['a'] }))],
      [...db(7000, 7001, 8000), 'x 7443'],
    ],
    ['nothing of TCP where it is for TLS', [rule('tls', 'x', match({ port: 7000 }))], db(7000, 7001, 7443, 8000)],
  ];
  for (const [what, rules, calls] of cases) it(`is ${what}`, () => assert.deepEqual(called(...rules), calls));
});
