import type { PageQuestion } from '../../cluster/question/question.ts';
import { quoteAnswer, unanswered } from '../../cluster/question/text.ts';
import type { Ask, Attempt } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import { NoAnswer, type Unanswered } from '../../errors.ts';
import { Metrics } from '../../prometheus/metrics.ts';
import { readPage } from '../../prometheus/page-reader.ts';
import type { Pod } from '../kubernetes/pod.ts';
import { matchesWorkload, type Narrowed, narrowed } from '../kubernetes/workload.ts';
import { askMetrics } from '../prometheus/metrics-page.ts';
import { readingOf } from './dialects.ts';
import { ADAPTER_PORT, flagsOf, judgedPods, mixer } from './pods.ts';
import { type MixerReading, readingWants } from './reading.ts';

/** What port 42422 of one pod answered: the Prometheus adapter's own page. */
export type AdapterPage =
  /** `series` counts the lines of all families; `workloadSeries` those about the workload that was asked for. */
  | { state: 'serves'; series: number; workloadSeries: number; names: readonly string[] }
  /** HTTP, but no metrics: its status and first words. */
  | { state: 'fails'; status: number; words: string }
  /** Nothing listens: no Prometheus handler was built (mixer.md 0, finding 5), or the pod serves no port at all. */
  | { state: 'refuses'; words: string }
  | { state: 'unseen'; missing: Unanswered };

/** One telemetry pod, as its pages tell. */
export interface MixerPages {
  pod: string;
  reading: Attempt<MixerReading>;
  /** A second reading, `scope.window` later; null when none was asked for. */
  later: Attempt<MixerReading> | null;
  adapter: AdapterPage;
}

/** Every running telemetry pod's pages, each pod by itself: counters and configIDs of two pods must not be mixed. */
export const mixerPages = planeSource(
  [{ verb: 'create', resource: 'pods/portforward' }],
  async (ask): Promise<readonly MixerPages[]> => {
    const [{ pods }, workload] = await Promise.all([ask.from(mixer), settle(ask.from(narrowed))]);
    const running = judgedPods(pods);
    return Promise.all(
      running.map((pod) =>
        pagesOf(ask, pod, flagsOf(pod, ask.plane).monitoringPort, 'got' in workload ? workload.got : null),
      ),
    );
  },
);

async function pagesOf(ask: Ask, pod: Pod, monitoringPort: number, workload: Narrowed | null): Promise<MixerPages> {
  const question: PageQuestion = {
    ask: 'page',
    namespace: pod.namespace,
    pod: pod.name,
    port: monitoringPort,
    path: '/metrics',
  };
  const [[reading, later], adapter] = await Promise.all([
    readings(ask, question),
    readAdapter(ask, { ...question, port: ADAPTER_PORT }, workload),
  ]);
  return { pod: pod.name, reading, later, adapter };
}

async function readings(ask: Ask, question: PageQuestion): Promise<[MixerPages['reading'], MixerPages['later']]> {
  const reading = await settle(readSelf(ask, question));
  if (ask.scope.window === 0) return [reading, null];
  await ask.sleep(ask.scope.window);
  return [reading, await settle(readSelf(ask, { ...question, reading: 2 }))];
}

/** Mixer's page about itself. */
async function readSelf(ask: Ask, question: PageQuestion): Promise<MixerReading> {
  const page = new Metrics();
  await askMetrics(ask.cluster, question, readingWants, page.add);
  const reading = readingOf(page);
  if (reading) return reading;
  const words = page.has('go_goroutines')
    ? 'the page has no metric of a Mixer with a configuration: another program’s page, or a Mixer that has just started'
    : 'the page has no metric of a Mixer';
  throw unanswered(question, 'BadAnswer', words);
}

async function readAdapter(ask: Ask, question: PageQuestion, workload: Narrowed | null): Promise<AdapterPage> {
  let series = 0;
  let workloadSeries = 0;
  const names = new Set<string>();
  try {
    const answer = await ask.cluster.read(question);
    if (answer.status !== 200) return { state: 'fails', status: answer.status, words: await quoteAnswer(answer) };
    const summary = await readPage(
      answer.body,
      () => true,
      (_family, sample) => {
        series++;
        names.add(sample.name);
        if (workload && matchesWorkload(workload, sample.labels)) workloadSeries++;
      },
    );
    const [problem] = summary.problems;
    if (problem) throw unanswered(question, 'BadAnswer', `line ${problem.line} of the page: ${problem.text}`);
    return { state: 'serves', series, workloadSeries, names: [...names] };
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    const missing = error.unanswered;
    if (missing.hindrance === 'ConnectionRefused') return { state: 'refuses', words: missing.words };
    return { state: 'unseen', missing };
  }
}
