import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe } from 'node:test';
import { promisify } from 'node:util';
import type { Report } from '../src/report/document.ts';
import { textOf } from './support/bundles.ts';
import { certificatesIn } from './support/certificates.ts';
import { it, needed } from './support/programs.ts';
import { type Asked, type PrometheusApi, withPrometheusApi } from './support/prometheus-api.ts';
import { checkOf, ran, reported } from './support/run.ts';
import { withStandIn } from './support/standing.ts';

const folder = mkdtempSync(join(tmpdir(), 'login-'));
after(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const TOKEN = 'eW91LXNoYWxsLW5vdC1wYXNz.42';
const TENANT = 'tenant-that-nobody-may-read';
const tokenFile = file('a token', `${TOKEN}\n`);

const MESH = 'istio-1.0.6/healthy';

/** What a server says to somebody without a login. */
const DENIED = { status: 401, headers: { 'content-type': 'text/html' }, body: '<html><title>401</title></html>' };

/** `missing-metrics` on a healthy mesh whose Prometheus is behind `api`. */
const diagnosed = (api: Pick<PrometheusApi, 'url'>, ...flags: readonly string[]) =>
  withStandIn(MESH, (_, env) => reported(['missing-metrics', '--prometheus-url', api.url, ...flags], { env }));

describe('the Prometheus at a URL', () => {
  it('is asked with the token of --prometheus-token-file', async () => {
    const reply = ({ headers }: Asked) => (headers.authorization === `Bearer ${TOKEN}` ? null : DENIED);
    await withPrometheusApi({ reply }, async (api) => {
      const { report, code } = await diagnosed(api, '--prometheus-token-file', tokenFile);
      assert.deepEqual([report.verdict, code], ['healthy', 0]);
      const without = await diagnosed(api);
      assert.deepEqual([without.report.verdict, without.code], ['inconclusive', 3]);
      const stored = checkOf(without.report, 'series-stored');
      assert.deepEqual([stored?.status, stored?.reason], ['unknown', 'Unauthorized']);
      assert.match(stored?.message ?? '', /HTTP 401.*a login is needed.*--prometheus-token-file/);
    });
  });

  it('is asked with every --prometheus-header', async () => {
    const reply = ({ headers }: Asked) =>
      headers['x-scope-orgid'] === TENANT && headers['x-other'] === 'a: b'
        ? null
        : { status: 401, headers: { 'content-type': 'text/plain' }, body: 'no org id\n' };
    await withPrometheusApi({ reply }, async (api) => {
      const given = ['--prometheus-header', `X-Scope-OrgID: ${TENANT}`, '--prometheus-header', 'X-Other:a: b'];
      assert.equal((await diagnosed(api, ...given)).report.verdict, 'healthy');
      const half = await diagnosed(api, ...given.slice(0, 2));
      assert.match(checkOf(half.report, 'series-stored')?.message ?? '', /no org id.*--prometheus-header/);
    });
  });

  it('is believed by the authority of --prometheus-ca', async () => {
    needed('openssl');
    const certificates = certificatesIn(folder);
    const own = certificates.authority('own');
    const pair = certificates.signed(own, 'localhost', 30);
    const ca = file('ca.pem', own.cert);
    const other = file('other.pem', certificates.authority('other').cert);
    await withPrometheusApi({ pair }, async (api) => {
      assert.equal((await diagnosed(api, '--prometheus-ca', ca)).report.verdict, 'healthy');
      for (const flags of [[], ['--prometheus-ca', other]]) {
        const stored = checkOf((await diagnosed(api, ...flags)).report, 'series-stored');
        assert.equal(stored?.status, 'unknown');
        assert.match(stored?.message ?? '', /certificate.*--prometheus-ca/);
      }
    });
  });

  it('shows and keeps neither token nor headers, and is replayed without the flags', async () => {
    const bundle = join(folder, 'login.tgz');
    // A server that repeats what it was sent, wherever it can.
    const reply = ({ path, headers }: Asked) => {
      const sent = `${headers.authorization} ${String(headers['x-scope-orgid'])}`;
      if (path.includes('/status/config')) return { status: 403, body: `{"status":"error","error":"not for ${sent}"}` };
      return path.includes('/targets')
        ? { body: `{"status":"success","data":{"activeTargets":[]},"warnings":["told ${sent}"]}` }
        : null;
    };
    const flags = ['--prometheus-token-file', tokenFile, '--prometheus-header', `X-Scope-OrgID: ${TENANT}`];
    await withPrometheusApi({ reply }, async (api) => {
      const started = join(folder, 'started');
      const KUBECTL_PATH = file(
        'kubectl.sh',
        `#!/bin/sh\n{ echo "$@"; env; } >>${started}\nexec ${needed('kubectl')} "$@"\n`,
      );
      chmodSync(KUBECTL_PATH, 0o755);
      const { live, wide } = await withStandIn(MESH, async (standIn, given) => {
        const env = { ...given, KUBECTL_PATH };
        const argv = ['missing-metrics', '--prometheus-url', api.url, ...flags];
        const live = await reported([...argv, '--save-bundle', bundle], { env });
        const wide = await ran([...argv, '-v', '-o', 'wide', '--show-commands'], { env });
        assert.ok(!standIn.requests.join('\n').includes(TOKEN));
        return { live, wide };
      });
      assert.ok(api.asked.every(({ headers }) => headers.authorization === `Bearer ${TOKEN}`));
      const everything = [
        live.stdout,
        live.stderr,
        wide.stdout,
        wide.stderr,
        textOf(bundle),
        readFileSync(started, 'utf8'),
      ].join('\n');
      for (const secret of [TOKEN, TENANT]) assert.ok(!everything.includes(secret), secret);
      assert.match(everything, /not for Bearer REDACTED REDACTED/);
      // A person can type it.
      const typed = `curl -s -H "Authorization: Bearer $(cat '${tokenFile}')" -H "X-Scope-OrgID: $X_SCOPE_ORGID" ${api.url}/api/v1/status/config`;
      assert.ok(checkOf(live.report, 'scrape-job-configured')?.commands.includes(typed), typed);
      const env = { ...process.env, X_SCOPE_ORGID: TENANT };
      const before = api.asked.length;
      await promisify(execFile)('sh', ['-c', typed.replace('curl', needed('curl'))], { env });
      const [asked] = api.asked.slice(before);
      assert.deepEqual([asked?.headers.authorization, asked?.headers['x-scope-orgid']], [`Bearer ${TOKEN}`, TENANT]);
      const replayed = await reported(['missing-metrics', '--bundle', bundle]);
      const withoutDurations = (report: Report): unknown =>
        JSON.parse(JSON.stringify(report, (key, value) => (key === 'source' ? undefined : value)));
      assert.deepEqual(withoutDurations(replayed.report), withoutDurations(live.report));
    });
  });

  it('may have an address of IPv6, and a prefix', async () => {
    await withPrometheusApi({ host: '::1' }, async ({ url, asked }) => {
      const at = `${url.replace('localhost', '[::1]')}/prometheus/`;
      const { report } = await diagnosed({ url: at });
      assert.equal(report.verdict, 'healthy', checkOf(report, 'series-stored')?.message);
      assert.ok(asked.every(({ path }) => path.startsWith('/prometheus/api/v1/')));
    });
  });

  it('takes no login twice, and no file that holds none', async () => {
    const url = ['--prometheus-url', 'https://127.0.0.1:1'];
    const wrong: readonly [readonly string[], RegExp][] = [
      [['--prometheus-token-file', tokenFile], /^error: --prometheus-token-file goes with --prometheus-url\n$/],
      [['--prometheus-header', 'A: b'], /^error: --prometheus-header goes with --prometheus-url\n$/],
      [['--prometheus-ca', tokenFile], /^error: --prometheus-ca goes with --prometheus-url\n$/],
      [
        ['--prometheus-service', 'a/b:1', '--prometheus-token-file', tokenFile],
        /^error: --prometheus-token-file goes with --prometheus-url\n$/,
      ],
      [['--bundle', 'x', ...url, '--prometheus-header', 'A: b'], /^error: --prometheus-url means a live cluster/],
      [
        [...url, '--prometheus-token-file', join(folder, 'none')],
        /^error: --prometheus-token-file cannot be read: ENOENT/,
      ],
      [[...url, '--prometheus-token-file', file('empty', '\n')], /^error: --prometheus-token-file: .* is empty\n$/],
      [
        [...url, '--prometheus-token-file', file('two', `${TOKEN}\n${TOKEN}\n`)],
        /holds no token, which is one word\n$/,
      ],
      [[...url, '--prometheus-ca', tokenFile], /^error: --prometheus-ca: .* holds no certificate in PEM\n$/],
      [['--prometheus-url', 'http://127.0.0.1:1', '--prometheus-ca', tokenFile], /^error: --prometheus-ca /],
      [[...url, '--prometheus-header', `X ${TENANT}`], /^error: --prometheus-header takes 'NAME: VALUE'/],
      [[...url, '--prometheus-header', `X: ${TENANT}\r\nY: z`], /^error: --prometheus-header takes 'NAME: VALUE'/],
      [[...url, '--prometheus-header', 'Host: b'], /^error: --prometheus-header does not take Host\n$/],
      [[...url, '--prometheus-header', 'X-HTTP-Method-Override: PUT'], /does not take X-HTTP-Method-Override\n$/],
      [[...url, '--prometheus-header', 'a: b', '--prometheus-header', 'A: c'], /gives A twice\n$/],
      [
        [...url, '--prometheus-token-file', tokenFile, '--prometheus-header', `Authorization: Basic ${TENANT}`],
        /^error: give one login, not --prometheus-token-file and an Authorization in --prometheus-header\n$/,
      ],
      [
        ['--prometheus-url', 'https://a:b@127.0.0.1:1', '--prometheus-token-file', tokenFile],
        /^error: give one login, not a user in --prometheus-url and --prometheus-token-file\n$/,
      ],
    ];
    for (const [flags, words] of wrong) {
      const { code, stdout, stderr } = await ran(['missing-metrics', ...flags]);
      assert.match(stderr, words);
      assert.deepEqual([code, stdout, stderr.trimEnd().split('\n').length], [2, '', 1], stderr);
      for (const secret of [TOKEN, TENANT]) assert.ok(!stderr.includes(secret));
    }
  });
});
