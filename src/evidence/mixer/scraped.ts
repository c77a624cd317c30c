import type { Attempt } from '../../diagnosis/check.ts';
import { planeSource } from '../../diagnosis/source.ts';
import { detection } from '../istio/detection.ts';
import { prometheusReadings } from '../prometheus/readings.ts';
import type { ScrapeJob } from '../prometheus/scrape-config.ts';
import type { Target } from '../prometheus/targets.ts';
import { mixer } from './pods.ts';

/** What one Prometheus scrapes of this control plane's Mixer. */
export interface MixerScrapes {
  where: string;
  /** Targets that are Mixer's adapter. */
  adapters: Attempt<readonly Target[]>;
  /** Why there may be more targets than it told. */
  partial: readonly string[];
  jobs: Attempt<readonly ScrapeJob[]>;
}

/** Whether a target is a Prometheus adapter of some Mixer, by its job, port or Service. */
const isAdapter = ({ job, url, service, portName }: Target): boolean =>
  job === 'istio-mesh' ||
  /:42422\//.test(url) ||
  (/^istio-(telemetry|mixer)$/.test(service ?? '') && portName === 'prometheus');

export const mixerScrapes = planeSource([], async ({ from, plane }): Promise<readonly MixerScrapes[]> => {
  const [readings, { planes }, { pods }] = await Promise.all([from(prometheusReadings), from(detection), from(mixer)]);
  const several = planes.filter(({ generation }) => generation === 'mixer').length > 1;
  const addresses = new Set(pods.map(({ ip }) => ip));
  /** With one Mixer in the cluster every adapter is its own; with several, address or namespace tell whose it is. */
  const isOwn = ({ url, namespace }: Target): boolean => {
    if (!several) return true;
    const host = URL.canParse(url) ? new URL(url).hostname : '';
    return addresses.has(host) || namespace === plane.namespace || host.split('.')[1] === plane.namespace;
  };
  return readings.map(({ where, scrapes, jobs }) => ({
    where,
    adapters:
      'got' in scrapes ? { got: scrapes.got.targets.filter((target) => isAdapter(target) && isOwn(target)) } : scrapes,
    partial: 'got' in scrapes ? scrapes.got.partial : [],
    jobs,
  }));
});
