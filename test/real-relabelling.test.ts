import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { rulesIn } from '../src/evidence/prometheus/monitors.ts';
import { isKnown } from '../src/scraping/discovery.ts';
import { relabel } from '../src/scraping/relabel.ts';
import { it } from './support/programs.ts';
import { startConfigured } from './support/prometheus.ts';

const POD = '__meta_kubernetes_pod';
const ANNOTATION = `${POD}_annotation_prometheus_io`;

/** What discovery finds: of a sidecar, of an application, of what names no port, of IPv6. */
const FOUND: readonly Record<string, string>[] = [
  {
    __address__: '10.0.0.9:15090',
    [`${POD}_ip`]: '10.0.0.9',
    [`${POD}_container_name`]: 'istio-proxy',
    [`${POD}_container_port_name`]: 'http-envoy-prom',
    [`${POD}_label_app`]: 'cart',
    [`${ANNOTATION}_scrape`]: 'true',
    [`${ANNOTATION}_port`]: '15020',
    [`${ANNOTATION}_path`]: '/stats/prometheus',
  },
  {
    __address__: '10.0.0.8:8080',
    [`${POD}_ip`]: '10.0.0.8',
    [`${POD}_container_name`]: 'app',
    [`${ANNOTATION}_scrape`]: 'TRUE',
    [`${ANNOTATION}_port`]: 'metrics',
  },
  {
    __address__: '10.0.0.7',
    [`${POD}_ip`]: '10.0.0.7',
    [`${POD}_container_name`]: 'istio-init',
    [`${ANNOTATION}_scrape`]: 'false',
  },
  {
    __address__: '[2001:db8::1]:15090',
    [`${POD}_ip`]: '2001:db8::1',
    [`${POD}_container_name`]: 'istio-proxy',
    [`${ANNOTATION}_scrape`]: 'true',
    [`${ANNOTATION}_port`]: '15020',
  },
];

const keep = (source: string, regex?: string): object => ({
  action: 'keep',
  source_labels: [source],
  ...(regex !== undefined && { regex }),
});
const replace = (sources: readonly string[], regex: string, replacement: string, target: string): object => ({
  action: 'replace',
  source_labels: sources,
  regex,
  replacement,
  target_label: target,
});

/** Rules of Istio's samples, of the operator's, of public reports, and at the edges of what relabelling does. */
const RULES: readonly (readonly object[])[] = [
  [],
  [keep(`${ANNOTATION}_scrape`, 'true')],
  [keep(`${ANNOTATION}_scrape`, '(?i)true')],
  [keep(`${POD}_annotationpresent_prometheus_io_scrape`)],
  [keep(`${POD}_container_port_name`, '.*-envoy-prom')],
  [keep(`${POD}_container_name`, 'istio-proxy'), keep(`${POD}_label_app`, 'cart|web')],
  [{ action: 'drop', source_labels: [`${POD}_label_app`], regex: '' }],
  [
    replace([`${ANNOTATION}_path`], '(.+)', '$1', '__metrics_path__'),
    replace(['__address__', `${ANNOTATION}_port`], String.raw`(.+?)(?::\d+)?;(\d+)`, '$1:$2', '__address__'),
  ],
  [replace(['__address__', `${ANNOTATION}_port`], String.raw`([^:]+)(?::\d+)?;(\d+)`, '$1:15090', '__address__')],
  [
    replace(
      [`${ANNOTATION}_port`, `${POD}_ip`],
      String.raw`(\d+);(([A-Fa-f0-9]{1,4}::?){1,7}[A-Fa-f0-9]{1,4})`,
      '[$2]:$1',
      '__address__',
    ),
    replace([`${ANNOTATION}_port`, `${POD}_ip`], String.raw`(\d+);((([0-9]+?)(\.|$)){4})`, '$2:$1', '__address__'),
  ],
  [{ action: 'labelmap', regex: '__meta_kubernetes_pod_label_(.+)' }, keep('app', 'cart')],
  [{ action: 'labeldrop', regex: '__meta_kubernetes_pod_label_.+' }, keep(`${POD}_label_app`, 'cart')],
  [
    { action: 'labelkeep', regex: '__address__|__metrics_path__|__scheme__|job|__scrape_.+' },
    keep(`${POD}_container_name`, ''),
  ],
  [replace([`${POD}_label_app`], '(.*)', `/x$$$1-\${1}`, '__metrics_path__')],
  [{ action: 'dropequal', source_labels: [`${POD}_container_name`], target_label: '__tmp' }],
  [replace(['__address__'], '(?P<host>.+):(?P<port>[0-9]{4})[0-9]*', `\${host}:$port`, '__address__')],
  [replace(['__address__'], '(?P<host>.+):(?P<port>[0-9]+)', '/$host_x-$nobody-$2-$port', '__metrics_path__')],
  [keep('__scheme__', 'http')],
  [keep('job', 'job-.*'), keep('__metrics_path__', '/metrics')],
  [keep('__scrape_interval__', '1h'), { action: 'drop', source_labels: ['__scrape_timeout__'], regex: '2s' }],
  [{ action: 'drop', source_labels: ['__param_target'], regex: '.+' }],
  [{ action: 'lowercase', source_labels: [`${ANNOTATION}_scrape`], target_label: '__tmp' }, keep('__tmp', 'true')],
];

describe('relabelling, beside a real Prometheus', () => {
  it('keeps what it keeps, and asks where it asks', async () => {
    const pairs = RULES.flatMap((rules) => FOUND.map((labels) => ({ rules, labels })));
    const jobs = pairs.map(({ rules, labels: { __address__, ...labels } }, index) => ({
      job_name: `job-${index}`,
      scrape_interval: '1h',
      scrape_timeout: '1s',
      static_configs: [{ targets: [__address__], labels }],
      relabel_configs: rules,
    }));
    const isReady = (text: string): boolean => {
      const { data } = JSON.parse(text || '{}') as { data?: { activeTargets: unknown[]; droppedTargets: unknown[] } };
      return (data?.activeTargets.length ?? 0) + (data?.droppedTargets.length ?? 0) === pairs.length;
    };
    const prometheus = await startConfigured(jobs, isReady);
    try {
      const answer = await fetch(`http://127.0.0.1:${prometheus.port}/api/v1/targets`);
      const { data } = (await answer.json()) as {
        data: { activeTargets: readonly { scrapePool: string; scrapeUrl: string }[] };
      };
      const active = new Map(data.activeTargets.map(({ scrapePool, scrapeUrl }) => [scrapePool, scrapeUrl]));
      for (const [index, { rules, labels }] of pairs.entries()) {
        const given = {
          __metrics_path__: '/metrics',
          __scheme__: 'http',
          __scrape_interval__: '1h',
          __scrape_timeout__: '1s',
          job: `job-${index}`,
        };
        const whole = relabel(new Map(Object.entries({ ...labels, ...given })), () => true, rulesIn(rules));
        // By what discovery tells alone, which may not decide, and must not be wrong.
        const found = relabel(new Map(Object.entries(labels)), isKnown, rulesIn(rules));
        const about = JSON.stringify([rules, labels.__address__]);
        assert.ok(!('undecidedBy' in whole), about);
        for (const fate of [whole, found]) {
          if ('undecidedBy' in fate) continue;
          const url =
            'kept' in fate &&
            new URL(
              `${fate.kept.get('__scheme__') || 'http'}://${fate.kept.get('__address__')}${fate.kept.get('__metrics_path__') || '/metrics'}`,
            );
          const real = active.get(`job-${index}`);
          assert.equal(url ? url.href : null, real === undefined ? null : new URL(real).href, about);
        }
      }
    } finally {
      await prometheus.close();
    }
  });
});
