import { isAtLeast } from '../../../istio/release.ts';

/**
 * The page of a release's own documentation: 0.8's one-page Troubleshooting Guide, *Missing Metrics* from 1.0 to 1.3,
 * *Observability Problems* in 1.4, which was the last to speak of Mixer.
 */
function pageOf(version: string | null): string {
  if (version === null) return 'https://archive.istio.io/v1.0/help/ops/telemetry/missing-metrics/';
  if (!isAtLeast(version, '1.0')) return 'https://archive.istio.io/v0.8/help/troubleshooting/';
  if (isAtLeast(version, '1.4')) return 'https://archive.istio.io/v1.4/docs/ops/common-problems/observability-issues/';
  const minor = version.split('.').slice(0, 2).join('.');
  const folder = isAtLeast(version, '1.2') ? 'docs' : 'help';
  return `https://archive.istio.io/v${minor}/${folder}/ops/telemetry/missing-metrics/`;
}

/** The link to an instruction, by its title. 0.8 has three of them under one title of their own. */
export const docsOf =
  (title: string, titleIn08 = title) =>
  (version: string | null): string => {
    const used = version !== null && !isAtLeast(version, '1.0') ? titleIn08 : title;
    return `${pageOf(version)}#${used
      .toLowerCase()
      .replace(/[^a-z0-9 ]/g, '')
      .replaceAll(' ', '-')}`;
  };

/** Where 0.8's guide has rules, handlers, instances and resolution. */
export const CONFIGURATION_IN_08 = 'Verify Mixer metrics configuration exists';
