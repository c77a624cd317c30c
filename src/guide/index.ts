import type { Content, Heading, Topic } from '../diagnosis/check.ts';

/** A line of the table of contents, and the way to the topic itself: --help reads no topic. */
export interface Entry extends Heading {
  load(): Promise<Topic>;
}

const entry = (heading: Heading, content: () => Promise<Content>): Entry => ({
  ...heading,
  load: async () => ({ ...heading, ...(await content()) }),
});

/** The topics, in the guide's order. */
export const guide: readonly Entry[] = [
  entry(
    {
      id: 'missing-metrics',
      title: 'Where are the metrics for my service?',
      summary: 'Find the hop where the mesh loses its metrics',
      flags: ['namespace', 'all-namespaces', 'selector', 'prometheus-url', 'prometheus-service', 'window', 'sample'],
      workload: 'service/NAME or deployment/NAME: answer for this one',
    },
    async () => (await import('./missing-metrics/index.ts')).missingMetrics,
  ),
];

/** Every topic, read. */
export const topics = (): Promise<readonly Topic[]> => Promise.all(guide.map((each) => each.load()));
