import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { redact, redactLines, redactValue, redactWhole } from '../../src/cluster/bundle/redact.ts';
import { trim } from '../../src/cluster/bundle/trim.ts';
import { http10In } from '../../src/evidence/kubernetes/nginx.ts';

async function* chunks(...texts: readonly string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

async function collected(body: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of body) text += chunk.toString('utf8');
  return text;
}

const PEM = '-----BEGIN CERTIFICATE-----\nMIIDhDCCAmygAwIBAgIJ\n-----END CERTIFICATE-----';
const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl';

describe('redaction', () => {
  const cases: readonly [string, string][] = [
    [`ca: ${PEM} end`, 'ca: REDACTED end'],
    [`key: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t`, 'key: REDACTED'],
    [`Authorization: Bearer abcdefgh12345678`, 'Authorization: Bearer REDACTED'],
    [`token ${JWT}`, 'token REDACTED'],
    ['password: hunter2', 'password: REDACTED'],
    ['{"password":"hunter2","x":1}', '{"password":"REDACTED","x":1}'],
    ['bearer_token: s3cr3t-value', 'bearer_token: REDACTED'],
    ['user=alice@example.com did', 'user=REDACTED did'],
    ['{"api_key": 12345, "y":2}', '{"api_key": 12345, "y":2}'],
    ['destination_app="reviews"', 'destination_app="reviews"'],
    ['root@71a9470ea93c-docker.io/istio-1.0.6-abc-Clean', 'REDACTED/istio-1.0.6-abc-Clean'],
  ];
  // Every S0S in these texts is a secret; what stands around it must stay a text of its kind.
  const secrets: readonly string[] = [
    'url: http://prom:S0S@10.0.0.1/w',
    'url: http://prom:S0S@prometheus:9090/w',
    'url: http://prom:S0S@S0S@prometheus:9090/w',
    'level=error err="Get http://prom:@S0S@S0S@prometheus: no such host"',
    'url: http://prom:S0S@prom.example.com/w',
    'password: "S0S;S0S"',
    "password: 'S0S S0S'",
    'token: [S0S]',
    'client-secret: S0S S0S',
    '{"bootstrap_token":"S0S \\"S0S"}',
    'secret: $S0S',
    '- password: {S0S}',
    'password: <S0S',
    'password: |\n  S0S\n  S0S\nnext: 1',
    '  - password: >-\n      S0S\n    next: 1',
    'clientSecret: S0S',
    'x accessToken=S0S',
    'access_key: AKIAS0S',
    'GET /x?a=1&token=S0S&b=2',
    'Authorization: Token S0SS0SS0S',
    'authorization: Basic S0SS0SS0S==',
    'PASSWORD=S0S',
    'env SECRET_KEY=S0S;',
    '{\\"password\\":\\"S0S, S0S\\"}',
    'mail S0S+S0S@mail.example.com',
    '-----BEGIN RSA PRIVATE KEY-----\nS0S\nS0S',
  ];
  for (const text of secrets) {
    it(`leaves no secret in ${JSON.stringify(text.slice(0, 40))}`, () => {
      assert.doesNotMatch(redact(text), /S0S/);
      assert.doesNotMatch(JSON.stringify(redactValue({ data: { text } })), /S0S/);
    });
  }

  it('keeps the lines around a secret, and what only looks like one', () => {
    assert.equal(redact('a: 1\npassword: |\n  x\n  y\nb: 2'), 'a: 1\npassword: REDACTED\nb: 2');
    assert.equal(
      redact('- job_name: x\n  basic_auth:\n    password: "x" # y'),
      '- job_name: x\n  basic_auth:\n    password: "REDACTED" # y',
    );
    for (const same of [
      'bearer_token_file: /var/run/secrets/token\n',
      'credentials:\n  - a',
      'tokens: 5',
      'token_total{a="b"} 5',
      'http://prometheus:9090/a@b',
      '{\n"token": 12,\n"x": 1}',
      'imagePullSecrets: null',
    ])
      assert.equal(redact(same), same);
  });

  it('keeps JSON whole, whatever stands in it', () => {
    const value = redactValue({
      spec: { match: '-----BEGIN X-----', token: 'S0S', tokens: 5, deep: [{ password: 'S0S', empty: '' }] },
    });
    assert.deepEqual(value, {
      spec: { match: 'REDACTED', token: 'REDACTED', tokens: 5, deep: [{ password: 'REDACTED', empty: '' }] },
    });
  });

  // With a square in their length, these would take minutes.
  for (const hostile of [
    'a',
    'a@',
    'a@a.',
    'a.',
    'eyJ',
    '%20eyJ',
    '://',
    '://a@@',
    '-----BEGIN X-----',
    'token',
    'token: ',
    'bearer ',
    '- token: |\n ',
    '"token":\\"',
  ])
    it(`is done with a megabyte of ${JSON.stringify(hostile)}`, () => {
      assert.equal(typeof redact(`token ${hostile.repeat(2 ** 20 / hostile.length)}`), 'string');
    });

  it('hands a line without end on in parts', async () => {
    const line = `x{a="${'b,'.repeat(2 ** 20)}",mail="alice@example.com"} 1`;
    const text = await collected(redactLines(chunks(line.slice(0, 2 ** 20 + 9), line.slice(2 ** 20 + 9))));
    assert.equal(text, line.replace('alice@example.com', 'REDACTED'));
  });

  for (const [before, after] of cases) {
    it(`turns ${JSON.stringify(before.slice(0, 40))} into ${JSON.stringify(after.slice(0, 40))}`, () => {
      assert.equal(redact(before), after);
    });
  }

  it('keeps JSON valid', () => {
    const object = { password: 'a"b', token: JWT, mail: 'a@b.io', nested: { client_secret: 'x y' } };
    const text = redact(JSON.stringify(object));
    assert.doesNotThrow(() => JSON.parse(text) as unknown);
    assert.ok(!text.includes(JWT) && !text.includes('a@b.io'));
  });

  it('sees a secret that two chunks share', async () => {
    assert.equal(
      await collected(redactLines(chunks('x{user="alice@exa', 'mple.com"} 1\n', 'y 1'))),
      'x{user="REDACTED"} 1\ny 1',
    );
    assert.equal(await collected(redactWhole(chunks(PEM.slice(0, 40), PEM.slice(40)))), 'REDACTED');
  });

  it('leaves bytes above 0x7f as they are', async () => {
    assert.equal(await collected(redactLines(chunks('x{a="grün"} 1\n'))), 'x{a="grün"} 1\n');
  });
});

describe('a webhook’s caBundle', () => {
  const certificate = '-----BEGIN CERTIFICATE-----\nMIIB+AAAA\n-----END CERTIFICATE-----\n';
  const key = '-----BEGIN PRIVATE KEY-----\nMIIE+SECRET\n-----END PRIVATE KEY-----\n';
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const kept = (text: string): string => {
    const { caBundle } = redactValue({ caBundle: base64(text) }) as { caBundle: string };
    return Buffer.from(caBundle, 'base64').toString();
  };
  it('keeps its certificates, whatever stands between them', () => {
    assert.equal(
      kept(`# root\n${certificate}# next\n${certificate}`),
      `${certificate}${certificate}`.replace(/\n-----BEGIN/g, '\n\n-----BEGIN').replaceAll('\n\n', '\n'),
    );
  });
  it('loses a key that lies among them', () => {
    assert.ok(!kept(`${certificate}${key}`).includes('SECRET'));
    assert.equal((redactValue({ caBundle: base64(key) }) as { caBundle: string }).caBundle, 'REDACTED');
  });
});

describe('a container’s environment', () => {
  const variables = (...env: { name: string; value?: string; valueFrom?: object }[]): unknown => {
    const pod = { metadata: { name: 'a' }, spec: { containers: [{ name: 'a', env }] }, status: {} };
    return (trim('pods', pod).spec as { containers: { env?: unknown }[] }).containers[0]?.env;
  };
  it('keeps what is read, and nothing else', () => {
    assert.equal(
      variables(
        { name: 'ENABLE_PAYMENT_PASSWORD', value: 'x' },
        { name: 'PILOT_API_KEY', value: 'x' },
        { name: 'DB', value: 'x' },
      ),
      undefined,
    );
    assert.deepEqual(variables({ name: 'PILOT_TRACE_SAMPLING', value: '1' }), [
      { name: 'PILOT_TRACE_SAMPLING', value: '1' },
    ]);
  });
  it('loses the login of a proxy, in every spelling', () => {
    for (const [value, left] of [
      ['http://user:p4ss@proxy:3128', 'http://proxy:3128'],
      ['user:p4ss@proxy:3128', 'proxy:3128'],
      ['http://user:p4@ss@proxy:3128', 'http://proxy:3128'],
      ['socks5://user:p4ss@proxy:1080', 'socks5://proxy:1080'],
      ['http://proxy:3128', 'http://proxy:3128'],
    ] as const)
      assert.deepEqual(variables({ name: 'HTTPS_PROXY', value }), [{ name: 'HTTPS_PROXY', value: left }]);
  });
});

describe('a name beside its value', () => {
  it('tells that the value is a secret', () => {
    const variables = [
      { name: 'DB_PASSWORD', value: 'S0S' },
      { name: 'Authorization', value: 'S0S' },
      { header: { key: 'x-api-key', value: 'S0S' } },
      { name: 'cookie', value: 'S0S' },
    ];
    assert.ok(!JSON.stringify(redactValue(variables)).includes('S0S'));
    assert.deepEqual(redactValue([{ name: 'LOG_LEVEL', value: 'debug' }]), [{ name: 'LOG_LEVEL', value: 'debug' }]);
  });
  it('and the whole object once more, as Envoy’s bootstrap has it, is left out', () => {
    const node = {
      ANNOTATIONS: { 'kubectl.kubernetes.io/last-applied-configuration': '{"env":"S0S"}', 'istio.io/rev': 'x' },
    };
    assert.deepEqual(redactValue(node), { ANNOTATIONS: { 'istio.io/rev': 'x' } });
  });
});

describe('a ConfigMap', () => {
  const kept = (name: string, text: string): unknown =>
    trim('configmaps', { metadata: { name }, data: { file: text, other: 'x' } }).data;
  const NGINX =
    'http {\n  set $token s3cret;\n  server { # S0S\n    location /a { proxy_pass http://a:1; proxy_set_header X S0S; }\n    proxy_http_version 1.1;\n  }\n}\n';
  it('of Istio’s own is kept whole', () => assert.deepEqual(kept('istio', 'a: b'), { file: 'a: b', other: 'x' }));
  it('of anybody else keeps what it tells nginx of proxying, and nothing more', () => {
    const { file, ...rest } = kept('front', NGINX) as Record<string, string>;
    assert.deepEqual(rest, {});
    assert.match(file ?? '', /proxy_pass http:\/\/a:1;/);
    assert.match(file ?? '', /proxy_http_version 1\.1;/);
    assert.doesNotMatch(file ?? '', /s3cret|X S0S/);
    assert.deepEqual(http10In(file ?? ''), []);
    assert.deepEqual(http10In((kept('front', NGINX.replace('1.1', '1.0')) as Record<string, string>).file ?? ''), [
      'http://a:1',
    ]);
  });
  it('of the injector’s keeps whom it takes, and no template', () => {
    const config =
      '# c\npolicy: enabled\nneverInjectSelector:\n  - matchLabels: {app: job}\ntemplate: |\n  a: S0S\n\n  b: S0S\ntemplates:\n# c\n  sidecar: S0S\ninjectedAnnotations:\n';
    const data = { config, values: 'S0S' };
    assert.deepEqual(trim('configmaps', { metadata: { name: 'istio-sidecar-injector-canary' }, data }).data, {
      config: config.replace(/template: [\s\S]*(?=injected)/, ''),
    });
  });
  it('without a word of proxying keeps nothing, whatever its name begins with', () => {
    for (const name of ['passwords', 'istio-shop', 'prometheus-front']) assert.deepEqual(kept(name, 'root: x'), {});
  });
  it('with other blocks keeps their ends as well, and not what they say', () => {
    const text =
      'server { proxy_http_version 1.1; if ($a = "S0S") { return 403; } location / { proxy_pass http://a; } }';
    const { file = '' } = kept('front', text) as Record<string, string>;
    assert.ok(!file.includes('S0S'));
    assert.deepEqual(http10In(file), []);
  });
});

describe('an EnvoyFilter', () => {
  const kept = (filename: string): unknown => {
    const config = { vm_config: { code: { local: { filename } } } };
    const patch = { operation: 'ADD', value: { typed_config: { value: { config } } } };
    const { spec } = trim('envoyfilters', { metadata: { name: 'a' }, spec: { configPatches: [{ patch }] } });
    return JSON.stringify(spec).includes('filename');
  };
  it('keeps the file of Istio’s own extension, and no other', () => {
    for (const path of ['/etc/istio/extensions/stats-filter.compiled.wasm', 'stats'])
      assert.equal(kept(path), true, path);
    for (const path of ['', '/etc/passwords', 'stats S0S', 'http://a:S0S@stats', 'stats\n'])
      assert.equal(kept(path), false, path);
  });
  it('is read soon, however long its paths are', () => {
    const started = performance.now();
    assert.equal(kept(`${'stats'.repeat(2 ** 17)}!`), false);
    assert.ok(performance.now() - started < 2000);
  });
});

describe('a pod', () => {
  it('keeps the limits, the user and the ConfigMaps that are read, and no volume else', () => {
    const { spec } = trim('pods', {
      metadata: { name: 'a' },
      spec: {
        securityContext: { runAsUser: 7, fsGroup: 1 },
        volumes: [
          { name: 'v', secret: { secretName: 'S0S' } },
          { name: 'w', configMap: { name: 'front', items: [] } },
        ],
        containers: [
          {
            name: 'a',
            resources: { limits: { cpu: '1', gpu: 2 }, requests: {} },
            securityContext: { runAsUser: 8, privileged: true },
          },
        ],
      },
      status: {},
    });
    assert.deepEqual(spec, {
      securityContext: { runAsUser: 7 },
      volumes: [{ configMap: { name: 'front' } }],
      containers: [{ name: 'a', resources: { limits: { cpu: '1' } }, securityContext: { runAsUser: 8 } }],
    });
  });
});
