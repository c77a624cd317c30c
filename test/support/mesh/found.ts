import { Readable } from 'node:stream';
import { trim } from '../../../src/cluster/bundle/trim.ts';
import type { Cluster } from '../../../src/cluster/question/cluster.ts';
import { typedName } from '../../../src/cluster/question/resources.ts';
import { unanswered } from '../../../src/cluster/question/text.ts';
import type { ControlPlane, Scope, Step } from '../../../src/diagnosis/check.ts';
import type { Finding } from '../../../src/diagnosis/finding.ts';
import { findingsOf } from '../findings.ts';
import { scope as wholeMesh } from '../judging.ts';
import { loadMesh } from '../meshes.ts';
import type { RecordedObject } from '../recordings.ts';
import type { OtherAnswer, ScrapePlan } from './plan.ts';
import { startScraping } from './scraping.ts';

const PLANE: ControlPlane = {
  generation: 'telemetry-v2',
  namespace: 'istio-system',
  revision: 'default',
  version: '1.31.0',
};

const pluralOf = (kind: string): string =>
  (kind.endsWith('s') ? `${kind}es` : kind.endsWith('y') ? `${kind.slice(0, -1)}ies` : `${kind}s`).toLowerCase();

/** A cluster of objects; what is asked of a URL or of a port of a pod, the network answers. */
function clusterOf(objects: readonly RecordedObject[], at: (pod: string) => string | undefined): Cluster {
  const isOf =
    (plural: string, group: string) =>
    ({ kind, apiVersion }: RecordedObject): boolean =>
      pluralOf(kind) === plural && (apiVersion.includes('/') ? apiVersion.replace(/\/.*/, '') : '') === group;
  return {
    list: async ({ resource, namespace }) =>
      objects
        .filter(isOf(resource.plural, resource.group))
        .filter(({ metadata }) => namespace === null || metadata.namespace === namespace)
        .map((object) => trim(typedName(resource), object)),
    read: async (question) => {
      if (question.ask === 'object') {
        const found = objects.find(
          (object) =>
            isOf(question.resource.plural, question.resource.group)(object) &&
            object.metadata.name === question.name &&
            object.metadata.namespace === question.namespace,
        );
        if (!found) throw unanswered(question, 'NotFound', `there is no ${question.name}`);
        return answerOf(200, JSON.stringify(trim(typedName(question.resource), found)));
      }
      const url =
        question.ask === 'url'
          ? question.url
          : question.ask === 'page'
            ? `${at(`${question.namespace}/${question.pod}`)}${question.path}`
            : '';
      if (!url.startsWith('http')) throw unanswered(question, 'Forbidden', 'not in this test');
      const answer = await fetch(url);
      return answerOf(answer.status, await answer.text());
    },
  };
}

const answerOf = (status: number, text: string) => ({
  status,
  contentType: 'application/json',
  body: Readable.from([Buffer.from(text)]),
});

interface Given {
  /** The composed mesh that is changed. */
  mesh?: string;
  plan?: (plan: ScrapePlan) => ScrapePlan;
  objects?: (objects: readonly RecordedObject[]) => readonly RecordedObject[];
  /** Answers of another server in place of the real one's. */
  others?: readonly OtherAnswer[];
  /** Changes the pages that are scraped, by `NAMESPACE/POD:PORT/PATH`. */
  pages?: (page: string, where: string) => string;
  scope?: Partial<Scope>;
  /** How often each page is scraped before its series are looked at; twice by default. */
  scrapes?: number;
}

/** What each check of a step finds, by its id, on a composed mesh whose pages a real Prometheus scrapes. */
export async function findingsOn(
  step: Step,
  {
    mesh = 'healthy-telemetry-api-1.31',
    plan = (each) => each,
    objects = (each) => each,
    others = [],
    pages = (page) => page,
    scope = {},
    scrapes,
  }: Given,
): Promise<ReadonlyMap<string, Finding>> {
  const loaded = loadMesh(mesh);
  const planned = plan(loaded.plan);
  for (const [where, page] of loaded.recording.pages)
    loaded.recording.pages.set(where, { ...page, body: pages(String(page.body), where) });
  const { port, close } = await startScraping(loaded.recording, { ...planned, others }, scrapes);
  try {
    const cluster = clusterOf(objects(loaded.recording.objects), (pod) =>
      pod === planned.pod ? `http://127.0.0.1:${port}` : undefined,
    );
    const run = { cluster, scope: { ...wholeMesh, ...scope }, now: Date.now(), sleep: () => Promise.resolve() };
    return await findingsOf(step, PLANE, run);
  } finally {
    await close();
  }
}
