import { shellLine } from '../../../cluster/question/shell.ts';
import { defineCheck } from '../../../diagnosis/check.ts';
import { attempt } from '../../../diagnosis/source.ts';
import { count, isSome, skip, some, sorted, unknown } from '../../../diagnosis/verdict.ts';
import { prometheusConfigMap } from '../../../evidence/kubernetes/config-maps.ts';
import { type MixerScrapes, mixerScrapes } from '../../../evidence/mixer/scraped.ts';
import { scrapesAdapter } from '../../../evidence/prometheus/scrape-config.ts';
import { prometheusServers } from '../../../evidence/prometheus/server.ts';
import type { Target } from '../../../evidence/prometheus/targets.ts';
import { notAllAsked } from '../prometheus/found.ts';

/** How the ConfigMap is looked at, where no better command is known. */
export const showConfig = (namespace: string | null): string =>
  shellLine('kubectl', '-n', namespace ?? 'istio-system', 'get', 'configmap', 'prometheus', '-o', 'yaml');

/** What NotAllAsked means, for `explain`. */
export const NOT_ALL_ASKED =
  'There are more Prometheus servers than are asked, and none of the asked has it: name the right one.';

/** Every target that is Mixer’s adapter. */
export const adapterTargets = (readings: readonly MixerScrapes[]): readonly Target[] =>
  readings.flatMap(({ adapters }) => ('got' in adapters ? adapters.got : []));

/** Whether a configuration in force has a job for it. */
export const isConfigured = (readings: readonly MixerScrapes[]): boolean =>
  readings.some(({ jobs }) => 'got' in jobs && jobs.got.some(scrapesAdapter));

export const jobConfigured = defineCheck({
  id: 'scrape-job-configured',
  title: 'Prometheus has a job for Mixer’s adapter',
  explains:
    'Looks in the configuration that Prometheus runs for a job that keeps the port `prometheus` of istio-telemetry, or names a target on 42422. The guide’s static target istio-mixer.istio-system was never in a chart.',
  reasons: {
    NotAllAsked: NOT_ALL_ASKED,
    JobMissing: 'No job of Prometheus scrapes 42422: what Mixer exports is never collected.',
  },
  needs: { readings: mixerScrapes, servers: prometheusServers },
  judge({ readings, servers }, { plane }) {
    if (readings.length === 0) return skip('no Prometheus to ask');
    if (isConfigured(readings) || adapterTargets(readings).length > 0) {
      const jobs = readings.flatMap(({ jobs }) => ('got' in jobs ? jobs.got.filter(scrapesAdapter) : []));
      return {
        status: 'pass',
        message: `job ${[...new Set(jobs.map(({ name }) => name))].join(', ') || 'of the target'} scrapes it`,
      };
    }
    const { got, missing } = sorted(readings.map(({ jobs }) => jobs));
    if (isSome(missing)) return unknown(missing, 'Prometheus’ configuration could not be read');
    if (servers.leftOut > 0) return notAllAsked(servers.leftOut, 'no job for Mixer’s adapter in those that were asked');
    return {
      status: 'fail',
      reason: 'JobMissing',
      message: `no job scrapes Mixer’s adapter; there are ${
        some(
          got.flat().map(({ name }) => name),
          4,
        ) || 'none'
      }`,
      hint: showConfig(plane.namespace),
    };
  },
});

export const configCurrent = defineCheck({
  id: 'prometheus-config-current',
  title: 'Prometheus runs the configuration of its ConfigMap',
  explains:
    'The charts start Prometheus without a reload: a changed ConfigMap is not used until the pod restarts. Compares the names of the jobs.',
  reasons: {
    ConfigMapNotLoaded:
      'The ConfigMap and the configuration that Prometheus runs name different jobs: the pod was not restarted after a change, or reads another file.',
  },
  needs: { readings: mixerScrapes, map: attempt(prometheusConfigMap) },
  judge({ readings, map }, { plane }) {
    if (readings.length === 0) return skip('no Prometheus to ask');
    if ('missing' in map) return unknown([map.missing]);
    if (map.got === null) return skip('there is no ConfigMap prometheus here');
    const { got, missing } = sorted(readings.map(({ jobs }) => jobs));
    if (isSome(missing)) return unknown(missing, 'Prometheus’ configuration could not be read');
    const wanted = map.got.map(({ name }) => name).sort();
    const same = got.some((jobs) => JSON.stringify(jobs.map(({ name }) => name).sort()) === JSON.stringify(wanted));
    if (same) return { status: 'pass', message: `${count(wanted.length, 'job')}, as in the ConfigMap` };
    const run = got.flat().map(({ name }) => name);
    return {
      status: 'warn',
      reason: 'ConfigMapNotLoaded',
      message: 'Prometheus runs other jobs than its ConfigMap names',
      evidence: [
        `only in the ConfigMap: ${wanted.filter((name) => !run.includes(name)).join(', ') || 'none'}`,
        `only in Prometheus: ${run.filter((name) => !wanted.includes(name)).join(', ') || 'none'}`,
      ],
      hint: `${showConfig(plane.namespace)}   # then restart Prometheus, if that is the configuration it should run`,
    };
  },
});
