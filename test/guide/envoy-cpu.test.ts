import type { Unanswered } from '../../src/errors.ts';
import type { Usage } from '../../src/evidence/envoy/usage.ts';
import { configurationIsScoped, updatesAreRare } from '../../src/guide/envoy-cpu/configuration.ts';
import { refreshIsSlow, settingsAreCheap } from '../../src/guide/envoy-cpu/settings.ts';
import { envoyCpuFitsLoad } from '../../src/guide/envoy-cpu/usage.ts';
import { counted, dump, envoy, info, silent, told } from '../support/envoys.ts';
import { judging } from '../support/judging.ts';
import { container, listed, meshOf, missing } from '../support/mixer.ts';

const used = (cores: number | null, requests: number | null = null, unseen: readonly Unanswered[] = []): Usage => ({
  cores: new Map(cores === null ? [] : [['bookinfo/reviews', cores]]),
  requests: new Map(requests === null ? [] : [['bookinfo/reviews', requests]]),
  by: cores === null ? null : 'the metrics API',
  missing: unseen,
});
const connected = (number: number) => ({ got: [told(counted({ 'server.total_connections': number }))] });
const limited = (cpuLimit: number) => [{ ...envoy(), container: container('istio-proxy', 'x', { cpuLimit }) }];
const requests = (before: number, after: number) => ({
  got: [
    told(
      counted(
        { 'http.0.0.0.0_80.downstream_rq_total': before, 'http.admin.downstream_rq_total': 1 },
        { 'http.0.0.0.0_80.downstream_rq_total': after, 'http.admin.downstream_rq_total': 900 },
      ),
    ),
  ],
});

judging(
  envoyCpuFitsLoad,
  [
    {
      when: 'it is next to nothing',
      given: { usage: used(0.01) },
      status: 'pass',
      says: /^1 proxy, at most 10m \(the metrics API\)$/,
    },
    { when: 'the load explains it', given: { usage: used(0.6, 1000) }, status: 'pass', says: /600m/ },
    {
      when: 'it idles at 300m',
      given: { stats: connected(0), usage: used(0.3, 0) },
      status: 'fail',
      reason: 'UsageTooHigh',
      says: /300m for 0.0 requests a second/,
    },
    {
      when: 'it idles at 100m',
      given: { stats: connected(0), usage: used(0.1, 0.5) },
      status: 'warn',
      reason: 'UsageHigh',
      says: /100m for 0.5/,
    },
    {
      when: 'it has connections that are no HTTP',
      given: { usage: used(0.3, 0), stats: connected(40) },
      status: 'warn',
      reason: 'UsageUnexplained',
      says: /300m/,
    },
    {
      when: 'one of two is not measured',
      given: { usage: used(0.01), envoys: [envoy(), envoy({ name: 'b' })] },
      status: 'unknown',
      reason: 'NotMeasured',
      says: /1 of 2 proxies: bookinfo\/b/,
    },
    {
      when: 'it is four times what the load explains',
      given: { usage: used(2, 1000) },
      status: 'warn',
      reason: 'UsageHigh',
      says: /2.00 cores for 1000/,
    },
    {
      when: 'it is twenty times that',
      given: { usage: used(1, 100) },
      status: 'fail',
      reason: 'UsageTooHigh',
      says: /1.00 cores for 100/,
    },
    {
      when: 'nobody counts the requests',
      given: { usage: used(0.4) },
      status: 'warn',
      reason: 'UsageUnexplained',
      says: /400m$/,
    },
    {
      when: 'Envoy counts them itself, our own asking left out',
      given: { usage: used(0.5), stats: requests(10, 10_010) },
      status: 'pass',
      says: /500m/,
      scope: { window: 10_000 },
    },
    {
      when: 'its limit throttles it',
      given: { usage: used(0.095), envoys: limited(0.1) },
      status: 'fail',
      reason: 'Throttled',
      says: /95m of at most 100m/,
    },
    { when: 'nobody measures it', given: { usage: used(null) }, status: 'skip', says: /no metrics API/ },
    {
      when: 'the metrics API refuses',
      given: { usage: used(null, null, [missing()]) },
      status: 'unknown',
      reason: 'Forbidden',
      says: /nobody tells/,
    },
    {
      when: 'it refuses in part',
      given: { usage: used(0.01, null, [missing()]) },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every/,
    },
    { when: 'there is nobody', given: { usage: used(null), envoys: [] }, status: 'skip', says: /no proxy/ },
  ],
  { envoys: [envoy()], stats: { got: [] } },
);

const asked = { envoys: [envoy()], of: 1 };
const clusters = Array.from({ length: 1001 }, (_, at) => ({
  name: `c${at}`,
  updatedAt: null,
  fixed: false,
  error: '',
  type: 'EDS',
  rule: null,
}));
const MB = 1024 * 1024;
const sidecar = {
  name: 'default',
  namespace: 'bookinfo',
  createdAt: 0,
  selector: null,
  egress: [{ port: null, hosts: ['./*'] }],
};
judging(
  configurationIsScoped,
  [
    {
      when: 'it is small',
      given: { dumps: [told(dump())] },
      status: 'pass',
      says: /^98 KB and 0 clusters at most, of 1 proxy$/,
    },
    {
      when: 'it is large',
      given: { dumps: [told(dump({ size: 11 * MB }))] },
      status: 'warn',
      reason: 'ConfigurationLarge',
      says: /11.0 MB/,
    },
    {
      when: 'it has many clusters',
      given: { dumps: [told(dump({ clusters }))] },
      status: 'warn',
      reason: 'ConfigurationLarge',
      says: /1001 clusters/,
    },
    {
      when: 'it is large, and limited',
      given: { dumps: [told(dump({ size: 11 * MB }))], scopes: { got: listed(sidecar) } },
      status: 'pass',
      says: /11.0 MB/,
    },
    {
      when: 'it is huge',
      given: { dumps: [told(dump({ size: 51 * MB }))], scopes: { got: listed(sidecar) } },
      status: 'fail',
      reason: 'ConfigurationTooLarge',
      says: /51.0 MB/,
    },
    {
      when: 'it is larger than we read',
      given: { dumps: [{ ...envoy(), said: { missing: missing('TooLarge') } }] },
      status: 'fail',
      reason: 'ConfigurationTooLarge',
      says: /more than 64 MB/,
    },
    { when: 'it cannot be had', given: { dumps: [silent()] }, status: 'unknown', reason: 'Forbidden', says: /1 of 1/ },
    { when: 'there is nobody', given: { dumps: [] }, status: 'skip', says: /no proxy/ },
  ],
  { asked, scopes: { got: listed() }, mesh: { got: null } },
);

const CDS = 'cluster_manager.cds.update_attempt';
judging(
  updatesAreRare,
  [
    { when: 'they are', given: { stats: [told(counted({ [CDS]: 20 }))] }, status: 'pass', says: /at most 0 a minute/ },
    {
      when: 'they come all the time',
      given: { stats: [told(counted({ [CDS]: 6000 }))] },
      status: 'warn',
      reason: 'UpdatesOften',
      says: /gets 10 configurations a minute/,
    },
    {
      when: 'they came between the readings',
      given: { stats: [told(counted({ [CDS]: 20 }, { [CDS]: 30 }))] },
      status: 'warn',
      reason: 'UpdatesOften',
      says: /gets 60 configurations/,
      scope: { window: 10_000 },
    },
    {
      when: 'it has just started',
      given: { stats: [told(counted({ [CDS]: 200 }))], infos: { got: [told(info({ uptime: 20 }))] } },
      status: 'pass',
      says: /0 a minute/,
    },
    {
      when: 'it cannot be asked',
      given: { stats: [silent()] },
      status: 'unknown',
      reason: 'Forbidden',
      says: /1 of 1/,
    },
    { when: 'there is nobody', given: { stats: [] }, status: 'skip', says: /no proxy/ },
  ],
  { asked, infos: { got: [told(info({ uptime: 36_000 }))] } },
);

judging(
  settingsAreCheap,
  [
    { when: 'they are', given: { infos: [told(info())] }, status: 'pass', says: /1 proxy log little/ },
    {
      when: 'it logs at debug',
      given: { infos: [told(info({ logLevel: 'debug' }))] },
      status: 'warn',
      reason: 'LogsLoud',
      says: /bookinfo\/reviews logs at debug/,
    },
    {
      when: 'one component does',
      given: { infos: [told(info({ componentLogLevel: 'http:trace' }))] },
      status: 'warn',
      reason: 'LogsLoud',
      says: /http:trace/,
    },
    {
      when: 'it has more threads than cores',
      given: { infos: [told(info({ concurrency: 16 }), limited(2)[0])] },
      status: 'warn',
      reason: 'TooManyThreads',
      says: /16 threads on at most 2 cores/,
    },
    {
      when: 'it cannot be asked',
      given: { infos: [silent()] },
      status: 'unknown',
      reason: 'Forbidden',
      says: /1 of 1/,
    },
    { when: 'there is nobody', given: { infos: [] }, status: 'skip', says: /no proxy/ },
  ],
  { asked },
);

const v1 = (args: readonly string[] = []) => {
  const proxy = container('istio-proxy', 'docker.io/istio/proxy:0.8.0', { args });
  return [{ ...envoy({}, 'docker.io/istio/proxy:0.8.0'), container: proxy }];
};
const delays = (...refreshDelays: readonly number[]) => ({ got: meshOf({ refreshDelays }) });
judging(
  refreshIsSlow,
  [
    { when: 'nobody polls since 1.0', given: {}, status: 'skip', says: /since 1.0/ },
    { when: 'proxyv2 of 0.8 does not', given: {}, status: 'skip', says: /proxyv2/, plane: { version: '0.8.0' } },
    {
      when: 'v1 does every second',
      given: { envoys: v1(['--discoveryRefreshDelay', '1s']) },
      status: 'fail',
      reason: 'RefreshTooFast',
      says: /1 proxy poll Pilot every 1 second/,
      plane: { version: '0.8.0' },
    },
    {
      when: 'the mesh says so',
      given: { envoys: v1(), mesh: delays(1000, 30_000) },
      status: 'fail',
      reason: 'RefreshTooFast',
      says: /1 second/,
      plane: { version: '0.8.0' },
    },
    {
      when: 'nobody says anything',
      given: { envoys: v1() },
      status: 'fail',
      reason: 'RefreshTooFast',
      says: /1 second/,
      plane: { version: '0.8.0' },
    },
    {
      when: 'they wait for thirty',
      given: { envoys: v1(['--discoveryRefreshDelay', '30s']), mesh: delays(30_000) },
      status: 'pass',
      says: /every 30 seconds/,
      plane: { version: '0.8.0' },
    },
    {
      when: 'the ConfigMap cannot be read',
      given: { envoys: v1(), mesh: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not allowed/,
      plane: { version: '0.8.0' },
    },
  ],
  { envoys: [envoy()], mesh: { got: null } },
);
