import { defineCheck, type Step } from '../../../diagnosis/check.ts';
import { count, isSome, skip, some, sorted, unknown } from '../../../diagnosis/verdict.ts';
import { narrowed } from '../../../evidence/kubernetes/workload.ts';
import { mixerPages } from '../../../evidence/mixer/pages.ts';
import { CONFIGURATION_IN_08, docsOf } from './docs.ts';
import { readLog } from './shipped.ts';
import { CONFIG_RESOLUTION, CONFIGURATION } from './steps.ts';

export const resolutionWorks = defineCheck({
  id: 'resolution-works',
  title: 'Mixer resolves the configuration of every service it is asked about',
  explains:
    'mixer_config_resolve_count by target service. Only the old runtime of Istio 0.7 and older exports it: the 0.8 guide names it, but 0.8 itself has it no more.',
  reasons: {
    ResolutionFails: 'Mixer resolves a service’s configuration with errors only: nothing is reported for it.',
  },
  needs: { pages: mixerPages, narrowed },
  judge({ pages, narrowed }, { plane }) {
    const { got, missing } = sorted(pages.map(({ reading }) => reading));
    const resolutions = got.flatMap((reading) => reading.resolutions ?? []);
    if (isSome(missing)) return unknown(missing, 'Mixer’s own page could not be read');
    if (got.length === 0) return skip('no Mixer pod runs');
    if (got.every((reading) => reading.resolutions === null)) {
      return skip(
        plane.version === null ? 'this Mixer does not export it' : `Mixer ${plane.version} does not export it`,
      );
    }
    const hosts = narrowed?.services.map(({ name, namespace }) => `${name}.${namespace}.`);
    const targets = [...new Set(resolutions.map(({ target }) => target))]
      .filter((target) => !hosts || hosts.some((host) => target.startsWith(host)))
      .sort();
    const failing = targets.filter(
      (target) => !resolutions.some((each) => each.target === target && !each.failed && each.count > 0),
    );
    if (failing.length > 0) {
      return {
        status: 'fail',
        reason: 'ResolutionFails',
        message: `only errors for ${some(failing)}`,
        evidence: resolutions.map(({ target, failed, count }) => `${target}, error=${failed}: ${count}`),
        hint: readLog(plane),
        mayFollowFrom: CONFIGURATION,
      };
    }
    if (targets.length === 0) return skip('Mixer was asked about no such service');
    return { status: 'pass', message: `${count(targets.length, 'service')} resolved without error: ${some(targets)}` };
  },
});

export const configResolution: Step = {
  id: CONFIG_RESOLUTION,
  title: 'Verify Mixer configuration resolution is working for your service',
  hop: 'mixer->adapter',
  docs: docsOf('Verify Mixer metric instances configuration exists', CONFIGURATION_IN_08),
  checks: [resolutionWorks],
};
