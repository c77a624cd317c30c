import type { AnyCheck, Content, Source, Step } from '../diagnosis/check.ts';
import { detection } from '../evidence/istio/detection.ts';
import { allDeployments, allPods } from '../evidence/kubernetes/lists.ts';

/** The link to a section of Istio 0.8's Troubleshooting Guide, by its title: the last release that had them all. */
export const sectionOf = (title: string) => (): string =>
  `https://archive.istio.io/v0.8/help/troubleshooting/#${title
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-')}`;

/** Makes the steps of a section. */
export const stepsOf =
  (section: string) =>
  (id: string, title: string, ...checks: readonly AnyCheck[]): Step => ({
    id,
    title,
    hop: null,
    docs: sectionOf(section),
    checks,
  });

/**
 * A section that tells releases apart by what it finds: the same walk for each control plane. `sources` are those that
 * it asks beside what finds the control planes.
 */
export function section({ steps, sources }: { steps: readonly Step[]; sources: readonly Source<unknown>[] }): Content {
  const walk = { steps, meter: null };
  return {
    once: 'for each control plane',
    walks: { mixer: walk, 'telemetry-v2': walk, ambient: walk },
    sources: [detection, allPods, allDeployments, ...sources],
  };
}
