import type { Configuration } from '../../src/evidence/envoy/dump.ts';
import { logIn, type ProxyLogs } from '../../src/evidence/envoy/logs.ts';
import { http10NotRefused } from '../../src/guide/http10/refused.ts';
import { nginxSpeaksHttp11 } from '../../src/guide/http10/senders.ts';
import { http10SwitchWorks } from '../../src/guide/http10/switch.ts';
import { dump, envoy, listener, silent, told } from '../support/envoys.ts';
import { judging } from '../support/judging.ts';
import { container, missing, pod, workloadPod } from '../support/mixer.ts';

const REFUSED = '[2026-11-22T09:30:00.000Z] "- - HTTP/1.1" 426 DPE low_version - "-" 0 16 0 - "-" "-"';
const SERVED = '[2026-11-25T06:00:00.000Z] "GET / HTTP/1.1" 200 - via_upstream - "-" 0 16 0 - "-" "-"';
const logs = (current: string, previous: string | null = null): ProxyLogs => ({
  current: logIn(current),
  previous: previous === null ? null : { got: logIn(previous) },
});
const asked = { envoys: [envoy()], of: 1 };
const base = { asked, codes: { got: null } };

judging(
  http10NotRefused,
  [
    {
      when: 'a log tells of requests',
      given: { logs: [told(logs(SERVED))] },
      status: 'pass',
      says: /^1 request in the logs of 1 proxy/,
    },
    {
      when: 'a log tells of a 426 of Envoy’s own',
      given: { logs: [told(logs(`${SERVED}\n${REFUSED}`))] },
      status: 'fail',
      reason: 'UpgradeRequired',
      says: /^1 request in HTTP\/1.0 refused with 426 by bookinfo\/reviews$/,
    },
    {
      when: 'the log of the last instance tells of one',
      given: { logs: [told(logs('', REFUSED))] },
      status: 'fail',
      reason: 'UpgradeRequired',
      says: /1 request/,
      plane: { version: '1.0.6' },
    },
    {
      when: 'Prometheus counted some',
      given: { logs: [told(logs(SERVED))], codes: { got: new Map([['426', 7]]) } },
      status: 'warn',
      reason: 'UpgradeCounted',
      says: /^7 requests answered with 426 in the last hour/,
      plane: { version: '1.31.0', revision: 'canary' },
    },
    { when: 'there is no access log', given: { logs: [told(logs('x'))] }, status: 'skip', says: /no access log/ },
    {
      when: 'that was hours ago',
      given: { logs: [told(logs(`${SERVED}\n${REFUSED.replace('2026-11-22', '2026-11-20')}`))] },
      status: 'pass',
      says: /none refused/,
    },
    {
      when: 'a log may not be read',
      given: { logs: [silent(), told(logs(SERVED))] },
      status: 'unknown',
      reason: 'Forbidden',
      says: /1 of 2 proxies/,
    },
    { when: 'there is nobody', given: { logs: [] }, status: 'skip', says: /no proxy/ },
    {
      when: 'Prometheus cannot be asked',
      given: { logs: [told(logs(SERVED))], codes: { missing: missing() } },
      status: 'pass',
      says: /1 request/,
    },
  ],
  base,
);

const file = (http10: readonly string[], of = envoy({ name: 'front-1' })) => ({
  envoy: of,
  configMap: 'front',
  file: 'nginx.conf',
  http10,
});
const taking = dump({ listeners: [listener({ chains: [{ match: '', route: '80', cluster: null, http10: true }] })] });
const refusing = dump({
  listeners: [listener({ chains: [{ match: '', route: '80', cluster: null, http10: false }] })],
});
const dumps = (...all: readonly Configuration[]) => ({
  got: all.map((each) => told(each, envoy({ name: 'front-1' }))),
});

judging(nginxSpeaksHttp11, [
  {
    when: 'no nginx is old',
    given: { nginx: { pods: 0, files: [], leftOut: 0, missing: [] }, dumps: dumps() },
    status: 'skip',
    says: /older than 1.29.7/,
  },
  {
    when: 'all say 1.1',
    given: { nginx: { pods: 1, files: [file([])], leftOut: 0, missing: [] }, dumps: dumps() },
    status: 'pass',
    says: /^1 pod with nginx/,
  },
  {
    when: 'one does not',
    given: {
      nginx: { pods: 1, files: [file(['http://reviews:9080'])], leftOut: 0, missing: [] },
      dumps: dumps(refusing),
    },
    status: 'warn',
    reason: 'NginxSpeaksOldHttp',
    says: /^nginx in bookinfo\/front-1 proxies with HTTP\/1.0 to http:\/\/reviews:9080$/,
  },
  {
    when: 'its own proxy takes HTTP/1.0',
    given: {
      nginx: { pods: 1, files: [file(['http://reviews:9080'])], leftOut: 0, missing: [] },
      dumps: dumps(taking),
    },
    status: 'pass',
    says: /1 pod/,
  },
  {
    when: 'what it proxies lies in the image',
    given: { nginx: { pods: 2, files: [], leftOut: 0, missing: [] }, dumps: dumps() },
    status: 'skip',
    says: /lies in the image/,
  },
  {
    when: 'there are too many ConfigMaps',
    given: { nginx: { pods: 2, files: [file([])], leftOut: 3, missing: [] }, dumps: dumps() },
    status: 'unknown',
    reason: 'ConfigMapsLeftOut',
    says: /3 ConfigMaps that nginx mounts were not read/,
  },

  {
    when: 'a ConfigMap may not be read',
    given: { nginx: { pods: 1, files: [], leftOut: 0, missing: [missing()] }, dumps: { missing: missing() } },
    status: 'unknown',
    reason: 'Forbidden',
    says: /not every ConfigMap/,
  },
]);

const pilot = (variables: Record<string, string>) => ({
  pod: pod({ containers: [container('discovery', 'istio/pilot:1.31.0', { variables })] }),
  version: '1.31.0',
  debugPort: 15014,
});
const on = [pilot({ PILOT_HTTP10: '1' })];
const asking = (name: string) => {
  const of = envoy({ name, annotations: { 'proxy.istio.io/config': 'proxyMetadata:\n  ISTIO_META_HTTP10: "1"' } });
  return { ...of, pod: { ...workloadPod(name, true), ...of.pod } };
};
const modern = { version: '1.31.0' };

judging(http10SwitchWorks, [
  {
    when: 'nobody switched it on',
    given: { pilots: [pilot({})], dumps: dumps(refusing) },
    status: 'skip',
    says: /off, as Istio ships it/,
    plane: modern,
  },
  {
    when: 'it is on and taken',
    given: { pilots: on, dumps: dumps(taking) },
    status: 'pass',
    says: /^on, and 1 proxy/,
    plane: modern,
  },
  {
    when: 'it is on and a proxy does not',
    given: { pilots: on, dumps: dumps(refusing) },
    status: 'warn',
    reason: 'SwitchWithoutEffect',
    says: /no listener of bookinfo\/front-1/,
    plane: modern,
  },
  {
    when: 'one workload asks for it and its proxy does not know',
    given: { pilots: [pilot({})], dumps: { got: [told(refusing, asking('a'))] } },
    status: 'warn',
    reason: 'SwitchWithoutEffect',
    says: /bookinfo\/a/,
    plane: modern,
  },
  {
    when: 'the release knows no switch',
    given: { pilots: on, dumps: dumps(refusing) },
    status: 'warn',
    reason: 'NoSwitch',
    says: /1\.0\.6/,
  },
  {
    when: 'a proxy cannot be asked',
    given: { pilots: on, dumps: { got: [silent()] } },
    status: 'unknown',
    reason: 'Forbidden',
    says: /1 of 1/,
    plane: modern,
  },
  {
    when: 'no proxy can be asked',
    given: { pilots: [pilot({})], dumps: { missing: missing() } },
    status: 'unknown',
    reason: 'Forbidden',
    says: /not allowed/,
    plane: modern,
  },
]);
