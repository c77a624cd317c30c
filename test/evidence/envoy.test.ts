import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe } from 'node:test';
import { certificatesIn } from '../../src/evidence/envoy/certificates.ts';
import { descriptorsIn } from '../../src/evidence/envoy/descriptors.ts';
import { dumpIn } from '../../src/evidence/envoy/dump.ts';
import { EntrySplitter } from '../../src/evidence/envoy/entry-splitter.ts';
import { logIn } from '../../src/evidence/envoy/logs.ts';
import { serverInfoIn } from '../../src/evidence/envoy/server-info.ts';
import { statsIn } from '../../src/evidence/envoy/stats.ts';
import { http10In } from '../../src/evidence/kubernetes/nginx.ts';
import { coresOf } from '../../src/evidence/kubernetes/pod.ts';
import { durationIn, spoken } from '../../src/evidence/text/duration.ts';
import { isHostOf } from '../../src/istio/hosts.ts';
import { protocolOf } from '../../src/istio/protocol.ts';
import { port } from '../support/mixer.ts';
import { it } from '../support/programs.ts';

const recorded = (name: string): string =>
  readFileSync(new URL(`../pages/envoy-1.40/${name}`, import.meta.url), 'utf8');

/** By its documented form: a map, listeners with their routes inside, `config` for `typed_config` (guide.md 0.4). */
const DUMP_OF_08 = {
  configs: {
    bootstrap: { '@type': 'x', bootstrap: { node: { id: 'sidecar~10.1.0.3~reviews-1.bookinfo~x' } } },
    clusters: {
      static_clusters: [{ cluster: { name: 'xds-grpc', type: 'STRICT_DNS' } }],
      dynamic_active_clusters: [
        { version_info: '1', cluster: { name: 'outbound|9080||reviews.bookinfo.svc.cluster.local', type: 'EDS' } },
      ],
    },
    listeners: {
      dynamic_active_listeners: [
        {
          version_info: '1',
          listener: {
            name: 'http_9080',
            address: { socket_address: { address: '0.0.0.0', port_value: 9080 } },
            filter_chains: [
              {
                filters: [
                  {
                    name: 'envoy.http_connection_manager',
                    config: {
                      route_config: {
                        name: '9080',
                        virtual_hosts: [
                          {
                            name: 'reviews',
                            domains: ['reviews.bookinfo.svc.cluster.local', 'reviews.bookinfo.svc.cluster.local:9080'],
                            routes: [
                              {
                                match: { prefix: '/' },
                                route: {
                                  weighted_clusters: {
                                    clusters: [
                                      { name: 'outbound|9080|v1|reviews.bookinfo.svc.cluster.local', weight: 100 },
                                    ],
                                  },
                                },
                              },
                            ],
                          },
                        ],
                      },
                    },
                  },
                ],
              },
            ],
          },
        },
        {
          listener: {
            name: 'tcp_27017',
            address: { socket_address: { address: '10.0.0.9', port_value: 27017 } },
            filter_chains: [
              {
                filters: [
                  { name: 'envoy.tcp_proxy', config: { cluster: 'outbound|27017||mongo.bookinfo.svc.cluster.local' } },
                ],
              },
            ],
          },
        },
      ],
    },
    routes: {},
  },
};

describe('a configuration dump', () => {
  it('of today, as a real Envoy gave it', () => {
    const dump = dumpIn(recorded('config_dump.json'));
    assert.ok(dump);
    assert.ok(
      dump.clusters.some(
        ({ name, type }) => name === 'outbound|9080||productpage.bookinfo.svc.cluster.local' && type === 'EDS',
      ),
    );
    const listener = dump.listeners.find(({ name }) => name === '0.0.0.0_9080');
    assert.deepEqual([listener?.address, listener?.port, listener?.direction], ['0.0.0.0', 9080, 'outbound']);
    assert.ok(listener?.chains.some(({ route, http10 }) => route === '9080' && http10 === false));
    assert.ok((listener?.updatedAt ?? 0) > 0);
    const routes = dump.routes.find(({ name }) => name === '9080');
    const host = routes?.virtualHosts.find(({ domains }) => domains.includes('productpage'));
    assert.deepEqual(
      host?.routes.map(({ clusters }) => clusters),
      [['outbound|9080||productpage.bookinfo.svc.cluster.local']],
    );
    assert.equal(host?.routes[0]?.rule, 'bookinfo/productpage');
  });

  it('of 0.8, by its documented form', () => {
    const dump = dumpIn(JSON.stringify(DUMP_OF_08));
    assert.deepEqual(
      dump?.clusters.map(({ name }) => name),
      ['xds-grpc', 'outbound|9080||reviews.bookinfo.svc.cluster.local'],
    );
    assert.deepEqual(
      dump?.listeners.map(({ port, chains }) => [port, chains[0]?.route, chains[0]?.cluster]),
      [
        [9080, '9080', null],
        [27017, null, 'outbound|27017||mongo.bookinfo.svc.cluster.local'],
      ],
    );
    assert.deepEqual(
      dump?.routes.map(({ virtualHosts }) => virtualHosts[0]?.routes[0]),
      [{ match: '/*', clusters: ['outbound|9080|v1|reviews.bookinfo.svc.cluster.local'], rule: null }],
    );
  });

  it('says what Envoy did not take', () => {
    const entry = { name: 'virtualInbound', error_state: { details: 'script load error' } };
    const dump = dumpIn(
      JSON.stringify({
        configs: [{ '@type': 'type.googleapis.com/envoy.admin.v3.ListenersConfigDump', dynamic_listeners: [entry] }],
      }),
    );
    assert.deepEqual(
      dump?.listeners.map(({ name, error }) => [name, error]),
      [['virtualInbound', 'script load error']],
    );
  });

  for (const page of [
    '',
    'Failed to convert protobuf message to JSON string',
    '[]',
    'null',
    '{"configs":',
    '{"x":1}',
  ]) {
    it(`is not ${JSON.stringify(page)}`, () => assert.equal(dumpIn(page), null));
  }

  it('reads the same in whatever pieces it comes', () => {
    const page = Buffer.from(
      recorded('config_dump.json').replace('productpage.bookinfo', 'pröductpage \\"[{.bookinfo'),
    );
    const whole = dumpIn(page.toString());
    assert.ok(whole && whole.clusters.length > 3);
    for (const size of [1, 7, 4096]) {
      const found: string[] = [];
      const splitter = new EntrySplitter((list, entry) => found.push(`${list} ${JSON.stringify(JSON.parse(entry))}`));
      for (let at = 0; at < page.length; at += size) splitter.push(page.subarray(at, at + size));
      assert.ok(splitter.end());
      assert.equal(
        found.filter((each) => each.startsWith('dynamic_active_clusters ')).length,
        whole.clusters.filter(({ fixed }) => !fixed).length,
      );
    }
  });
  it('leaves out what drains, and scopes of routes', () => {
    const configs = [
      {
        '@type': 'x',
        dynamic_draining_listeners: [{ name: 'a' }],
        dynamic_scoped_route_configs: [{ name: 'b' }],
        dynamicActiveClusters: [{ cluster: { name: 'c' } }],
      },
    ];
    const dump = dumpIn(JSON.stringify({ configs }));
    assert.deepEqual(
      [dump?.listeners.length, dump?.routes.length, dump?.clusters.map(({ name }) => name)],
      [0, 0, ['c']],
    );
  });

  it('survives any shape of its parts', () => {
    for (const part of [null, 1, 'x', [], {}, [null], [{ cluster: null }]]) {
      const configs = [
        { '@type': 'x.ClustersConfigDump', dynamic_active_clusters: part, static_clusters: [part] },
        { '@type': 'x.ListenersConfigDump', dynamic_listeners: part, static_listeners: [{ listener: part }] },
        { '@type': 'x.RoutesConfigDump', dynamic_route_configs: [{ route_config: { virtual_hosts: part } }] },
      ];
      assert.ok(dumpIn(JSON.stringify({ configs })));
    }
  });
});

describe('Envoy about itself', () => {
  it('today, as a real Envoy says it', () => {
    const info = serverInfoIn(recorded('server_info.json'));
    assert.deepEqual([info?.state, info?.epoch, info?.concurrency, info?.logLevel], ['LIVE', 0, 1, 'warning']);
    assert.ok((info?.uptime ?? 0) > 0);
  });
  it('up to 1.8, in one line', () => {
    assert.deepEqual(serverInfoIn('envoy 4d4f1ab/1.7.0-dev/Clean/RELEASE live 35 4000 2\n'), {
      state: 'live',
      uptime: 35,
      uptimeOfAll: 4000,
      epoch: 2,
      concurrency: null,
      logLevel: null,
      componentLogLevel: null,
    });
  });
  it('and what is no such page is none', () => {
    for (const page of ['', '<html>', '{}', 'envoy']) assert.equal(serverInfoIn(page), null);
  });
  it('counts', () => {
    const stats = statsIn(
      'listener_manager.lds.update_success: 3\ncluster.x.y: 4\nhttp.a.b: P0(nan)\nserver.uptime: 7\n',
    );
    assert.deepEqual(
      [...(stats ?? [])],
      [
        ['listener_manager.lds.update_success', 3],
        ['server.uptime', 7],
      ],
    );
    assert.equal(statsIn('')?.size, 0);
    assert.equal(statsIn('<html>login</html>'), null);
  });
  it('shows certificates: today’s, as a real one gave them, and the old forms', () => {
    const today = certificatesIn(recorded('certs.json'));
    assert.ok(today && today.length > 0 && today.every(({ notAfter }) => notAfter !== null));
    const old = 'Certificate Path: /etc/certs/cert-chain.pem, Serial Number: 1f, Days until Expiration: 89';
    const ca = 'Certificate Path: /etc/certs/root-cert.pem, Serial Number: 2, Days until Expiration: 364';
    assert.deepEqual(certificatesIn(JSON.stringify({ certificates: [{ ca_cert: ca, cert_chain: old }] })), [
      { path: '/etc/certs/cert-chain.pem', notAfter: null, daysLeft: 89, own: true },
    ]);
    for (const page of ['', '{}', '<html>']) assert.equal(certificatesIn(page), null);
  });
  it('has so many files open', () => {
    const text =
      'Max open files            1024                 524288               files     \nopen 57\nMax open files            unlimited unlimited files\nopen 3\n';
    assert.deepEqual(descriptorsIn(text), [
      { open: 57, soft: 1024, hard: 524_288 },
      { open: 3, soft: Number.POSITIVE_INFINITY, hard: Number.POSITIVE_INFINITY },
    ]);
    assert.deepEqual(descriptorsIn('sh: not found'), []);
  });
});

describe('a proxy’s log', () => {
  const meanings: readonly [string, string][] = [
    // A real Envoy 1.40, and the forms of the issues that guide.md d names.
    ['[2026-11-25T06:00:00.000Z] "- - HTTP/1.1" 426 DPE low_version - "-" 0 16 0 - "-" "-"', 'refused'],
    ['[2018-06-01T10:11:12.345Z] "GET /x HTTP/1.0" 426 - 0 0 0 - "-" "nginx" "-" "svc" "-"', 'refused'],
    ['{"protocol":"HTTP/1.0","response_code":426,"response_code_details":"low_version"}', 'refused'],
    ['[2018-06-01T10:11:12Z] [critical][assert] assert failure: fd_ != -1', 'descriptors'],
    [
      '[2026-11-25 06:00:00.1][9][critical][assert] assert failure: SOCKET_VALID(result.return_value_). Details: socket(2) failed, got error: Too many open files',
      'descriptors',
    ],
    ['2026-11-25T06:00:00Z\tinfo\tEpoch 0 terminated with an error: signal: killed', 'killed'],
    [
      '[2026-11-25 06:00:00.1][9][critical][backtrace] Caught Segmentation fault, suspect faulting address 0x0',
      'crashed',
    ],
    [
      '2018-06-01T10:11:12Z\terror\tPermanent error: budget exhausted trying to fulfill the desired configuration',
      'gave up',
    ],
  ];
  for (const [line, meaning] of meanings) {
    it(`tells "${meaning}" by ${line.slice(0, 60)}…`, () => {
      const { lines } = logIn(`x\n${line}\n`);
      assert.deepEqual(
        lines.map((each) => each.meaning),
        [meaning],
      );
    });
  }
  it('tells the last routes that were refused, and when', () => {
    const refused = (at: string, words: string): string =>
      `${at}\twarning\tenvoy config\tgRPC config for type.googleapis.com/envoy.config.route.v3.RouteConfiguration rejected: ${words}`;
    const { refusal } = logIn(
      `${refused('2026-11-25T06:00:00Z', 'a')}\n${refused('2026-11-25T07:00:00.1Z', 'b')}\nx\n`,
    );
    assert.deepEqual(refusal, { words: 'b', at: Date.parse('2026-11-25T07:00:00Z') });
  });
  it('tells nothing by what is somebody else’s', () => {
    const lines = [
      '[2026-11-25T06:00:00.000Z] "GET / HTTP/1.1" 426 - via_upstream - "-" 0 16 0 - "-" "-"',
      '{"protocol":"HTTP/1.1","response_code":426,"response_code_details":"via_upstream"}',
      '[2026-11-25T06:00:00.000Z] "GET /HTTP/1.0 HTTP/1.1" 200 - via_upstream',
      '2024-06-01T10:11:12Z\tinfo\tEpoch 0 starting',
      'too many open files', // pilot-agent's inotify (istio#55915)
    ];
    assert.deepEqual(logIn(lines.join('\n')), {
      lines: [],
      requests: 3,
      complaint: null,
      refusal: null,
      since: null,
    });
  });
  it('tells of a complaint that nothing ended', () => {
    const waiting =
      '2026-11-25T06:00:00.1Z\twarn\tEnvoy proxy is NOT ready: config not received from XDS server (is Istiod running?)';
    const old = '[2018-06-01 10:11:12.345][9][warning] gRPC config stream closed: 14, no healthy upstream';
    assert.equal(logIn(waiting).complaint?.at, Date.parse('2026-11-25T06:00:00Z'));
    assert.equal(logIn(`${waiting}\nx`).complaint?.line, waiting);
    assert.equal(logIn(`${waiting}\n2026-11-25T06:00:05Z\tinfo\tEnvoy proxy is ready`).complaint, null);
    assert.equal(logIn(old).complaint?.line, old);
    // Every connection ends after half an hour: that is no fault.
    assert.equal(logIn('[x] gRPC config stream closed: 13, ').complaint, null);
  });
  it('tells when, as the line says', () => {
    const [first] = logIn('[2018-06-01T10:11:12.345Z] "GET /x HTTP/1.0" 426 - 0').lines;
    assert.equal(first?.at, Date.parse('2018-06-01T10:11:12Z'));
  });
});

describe('the protocol of a port', () => {
  const cases: readonly [string | null, number, string | null, string, string][] = [
    ['http', 80, null, '0.8.0', 'HTTP'],
    ['HTTP-web', 80, null, '0.8.0', 'HTTP'],
    ['http2foo', 80, null, '0.8.0', 'TCP'],
    ['grpc-web', 80, null, '0.8.0', 'GRPC'],
    ['grpc-web-x', 80, null, '1.1.0', 'GRPC-WEB'],
    ['tls', 443, null, '0.8.0', 'TCP'],
    ['tls', 443, null, '1.0.6', 'TLS'],
    ['mysql', 3306, null, '1.0.6', 'TCP'],
    ['mysql', 3306, null, '1.1.0', 'MYSQL'],
    [null, 80, null, '1.2.0', 'TCP'],
    [null, 80, null, '1.3.0', 'detected'],
    [null, 3306, null, '1.3.0', 'TCP'],
    ['web', 80, 'http', '1.5.0', 'detected'],
    ['tcp-web', 80, 'http', '1.6.0', 'HTTP'],
    ['web', 80, 'kubernetes.io/h2c', '1.18.0', 'detected'],
    ['web', 80, 'kubernetes.io/h2c', '1.20.0', 'HTTP2'],
    ['web', 80, 'kubernetes.io/wss', '1.31.0', 'HTTPS'],
    ['udp-x', 80, null, '1.2.0', 'TCP'],
    ['udp-x', 80, null, '1.31.0', 'UDP'],
    ['https', 443, null, '1.31.0', 'HTTPS'],
  ];
  for (const [name, number, appProtocol, version, expected] of cases) {
    it(`${name ?? 'unnamed'} ${number}${appProtocol ? ` (${appProtocol})` : ''} is ${expected} in ${version}`, () => {
      assert.equal(protocolOf(port(name, number, { appProtocol }), version).name, expected);
    });
  }
  it('of UDP is never TCP’s', () => assert.equal(protocolOf(port('http', 80, { protocol: 'UDP' }), null).name, 'UDP'));
});

describe('what nginx proxies with HTTP/1.0', () => {
  const cases: readonly [string, readonly string[]][] = [
    ['server { location / { proxy_pass http://a; } }', ['http://a']],
    ['http { proxy_http_version 1.1; server { location / { proxy_pass http://a; } } }', []],
    [
      'server { location / { proxy_pass http://a; proxy_http_version 1.1; } location /b { proxy_pass http://b; } }',
      ['http://b'],
    ],
    [
      'http { proxy_http_version 1.1; server { proxy_http_version 1.0; location / { proxy_pass http://a; } } }',
      ['http://a'],
    ],
    ['} } proxy_pass http://a;', ['http://a']],
    ['', []],
  ];
  for (const [text, expected] of cases) it(text || 'nothing', () => assert.deepEqual(http10In(text), expected));
});

describe('words', () => {
  it('durations', () => {
    assert.deepEqual(['2160h0m0s', '0.5s', '1m30s', '10ms', '', 'x', '5', 7].map(durationIn), [
      7_776_000_000,
      500,
      90_000,
      10,
      null,
      null,
      null,
      null,
    ]);
    assert.deepEqual([0, 1000, 59_000, 119_000, 120_000, 7_200_000, 86_400_000, 3_888_000_000].map(spoken), [
      '0 seconds',
      '1 second',
      '59 seconds',
      '119 seconds',
      '2 minutes',
      '2 hours',
      '1 day',
      '45 days',
    ]);
  });
  it('cores', () =>
    assert.deepEqual(['500m', '2', 1, '12345678n', '250u', undefined, 'x'].map(coresOf), [
      0.5,
      2,
      1,
      0.012345678,
      0.00025,
      null,
      null,
    ]));
  it('hosts', () => {
    const reviews = { name: 'reviews', namespace: 'bookinfo' };
    const is = (host: string, namespace = 'bookinfo'): boolean => isHostOf(host, namespace, reviews);
    for (const host of [
      'reviews',
      'reviews.bookinfo.svc.cluster.local',
      'reviews.bookinfo.svc.corp.example',
      '*',
      '*.bookinfo.svc.cluster.local',
    ])
      assert.ok(is(host), host);
    for (const host of [
      'reviews2',
      'reviews.bookinfo',
      'reviews.bookinfo.svc',
      'reviews.bookinfo.example.com',
      '*.default.svc.cluster.local',
    ])
      assert.ok(!is(host), host);
    assert.ok(!is('reviews', 'default'));
  });
});
