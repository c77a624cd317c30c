import type { AnyCheck, Step } from '../diagnosis/check.ts';

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
