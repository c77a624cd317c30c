import { shellLine } from '../../../../cluster/question/shell.ts';
import { defineCheck } from '../../../../diagnosis/check.ts';
import { attempt } from '../../../../diagnosis/source.ts';
import { count, isSome, skip, unknown } from '../../../../diagnosis/verdict.ts';
import { logLine } from '../../../../evidence/envoy/asked.ts';
import { type Emission, emission, type ReadProxy } from '../../../../evidence/envoy/emission.ts';
import type { MetricsPage } from '../../../../evidence/envoy/metrics-page.ts';
import type { Proxy as MeshProxy } from '../../../../evidence/istio/population.ts';
import { linesOf, ownerOf, subjectsOf } from '../../../../evidence/kubernetes/owner.ts';
import type { Pod } from '../../../../evidence/kubernetes/pod.ts';
import { podsIn } from '../../../../evidence/prometheus/pod-series.ts';
import { mergeFailures } from '../../../../evidence/prometheus/proxies.ts';
import { allSeries, answersIn, type StoreAnswer } from '../../../../evidence/prometheus/store.ts';
import { CONFIG_DELIVERY } from '../steps.ts';
import { likeThose, ofAll, unaskedIn } from './seen.ts';

/** The agent's page, where it was read. */
const mergedOf = ({ merged }: ReadProxy): MetricsPage | null => ('got' in merged ? merged.got : null);

/** Proxies whose agent could not have this part of its page lately, as the stores have it. */
function failing(part: string, { judged }: Emission, answers: readonly StoreAnswer[]): readonly MeshProxy[] {
  const failed = podsIn(
    allSeries(answers).filter(({ labels }) => labels.get('type') === part),
    judged.map(({ pod }) => pod),
  );
  return judged.filter(({ pod }) => failed.has(pod));
}

/** Those whose pages a store has. */
const storedIn = ({ judged, proven }: Emission): readonly Pod[] =>
  judged.map(({ pod }) => pod).filter((pod) => proven.has(pod));

const read = (emission: Emission): readonly ReadProxy[] => [
  ...emission.asked,
  ...(emission.control ? [emission.control] : []),
];

export const envoyMerged = defineCheck({
  id: 'envoy-part-merged',
  title: 'agents merge Envoy’s metrics into their page',
  explains:
    'Prometheus most often scrapes the agent’s page on 15020, which holds Envoy’s part only if the agent could have it: the scrape is up all the same. Reads the pages of proxies that no store has, and istio_agent_scrape_failures_total{type="envoy"} of all from every Prometheus.',
  reasons: {
    EnvoyNotMerged:
      'The agent’s page, which Prometheus scrapes, is without Envoy’s part, and so without Istio’s metrics; the scrape is up.',
    EnvoyMissedOften: 'The agent could not have Envoy’s part each time: series of these pods have gaps.',
  },
  needs: { emission, failures: attempt(mergeFailures) },
  judge({ emission, failures }) {
    if (emission.judged.length === 0) return skip('no proxy to be judged');
    const bare = emission.asked.filter((proxy) => {
      const page = mergedOf(proxy);
      return page?.parts.agent === true && !page.parts.envoy && proxy.own !== null && 'got' in proxy.own;
    });
    const { got, missing } = answersIn(failures);
    const missed = failing('envoy', emission, got);
    const whole = read(emission).filter((proxy) => mergedOf(proxy)?.parts.envoy);
    const shown = new Set(whole.map(({ pod }) => pod));
    // What no store has, and the agent says that it could not have: its page need not be read.
    const lost = missed.filter(({ pod }) => !emission.proven.has(pod) && !shown.has(pod));
    const [first] = [...bare, ...lost];
    if (first) {
      const pods = new Set([...likeThose(emission, bare), ...lost.map(({ pod }) => pod)]);
      const subjects = subjectsOf([...pods]);
      const page = bare[0] ? mergedOf(bare[0]) : null;
      const tried = page === null || (page.failures.get('envoy') ?? 0) > 0;
      return {
        status: 'fail',
        reason: 'EnvoyNotMerged',
        message: `${ofAll(pods.size, emission)}: the agent’s page is without Envoy’s part${tried ? '' : ', which it does not even ask for'}${unaskedIn(emission)}`,
        evidence: [...linesOf(subjects), ...(page?.lines ?? [])],
        subjects,
        hint: tried
          ? `${logLine(first)} | grep 'failed scraping envoy metrics'`
          : `${shellLine('kubectl', '-n', first.pod.namespace, 'get', 'pod', first.pod.name, '-o', 'yaml')} | grep -n PILOT_AGENT_MERGE_ENVOY_STATS   # without the merge Prometheus has to scrape port 15090`,
        mayFollowFrom: [CONFIG_DELIVERY],
      };
    }
    const [gap] = missed;
    if (gap) {
      const subjects = subjectsOf(missed.map(({ pod }) => pod));
      return {
        status: 'warn',
        reason: 'EnvoyMissedOften',
        message: `${ofAll(missed.length, emission)}: the agent could not have Envoy’s part in the last 15 minutes`,
        evidence: linesOf(subjects),
        subjects,
        hint: `${logLine(gap)} | grep 'failed scraping envoy metrics'`,
      };
    }
    // A store tells of the agents whose pages it has.
    const stored = got.length > 0 ? storedIn(emission) : [];
    const covered = new Set([...stored, ...shown]).size;
    if (covered === 0) return isSome(missing) ? unknown(missing) : skip('no store, and no page of an agent, to tell');
    return { status: 'pass', message: `Envoy’s part is on the pages of ${ofAll(covered, emission)}` };
  },
});

/** Where the agent asks the application, as its injector wrote down (pkg/kube/inject/webhook.go, ISTIO_PROMETHEUS_ANNOTATIONS). */
function applicationOf({ container }: MeshProxy): string {
  try {
    const { port = '80', path = '/metrics' } = JSON.parse(container.variables.ISTIO_PROMETHEUS_ANNOTATIONS ?? '{}') as {
      port?: string;
      path?: string;
    };
    return `localhost:${port || '80'}${path || '/metrics'}`;
  } catch {
    return 'the application';
  }
}

export const applicationMerged = defineCheck({
  id: 'application-part-merged',
  title: 'agents merge the application’s metrics into their page',
  explains:
    'An agent that is told of an application’s metrics asks for them at each scrape, and leaves them out where it cannot have them: a wrong port or path, an application that listens elsewhere. Istio’s own metrics are not touched. Reads istio_agent_scrape_failures_total{type="application"} from every Prometheus, and pages where none answers.',
  reasons: {
    ApplicationNotMerged:
      'The agent cannot have the application’s own metrics where the pod’s annotations say: those are lost, Istio’s are not.',
  },
  needs: { emission, failures: attempt(mergeFailures) },
  judge({ emission, failures }) {
    if (emission.judged.length === 0) return skip('no proxy to be judged');
    const { got, missing } = answersIn(failures);
    const pods = new Set(failing('application', emission, got).map(({ pod }) => pod));
    // A page counts since its agent started: where a store tells of the last minutes, that is what holds.
    if (got.length === 0)
      for (const proxy of read(emission))
        if ((mergedOf(proxy)?.failures.get('application') ?? 0) > 0) pods.add(proxy.pod);
    const failed = emission.judged.filter(({ pod }) => pods.has(pod));
    const [first] = failed;
    if (first) {
      const subjects = subjectsOf(failed.map(({ pod }) => pod));
      const { kind, namespace, name } = ownerOf(first.pod);
      return {
        status: 'warn',
        reason: 'ApplicationNotMerged',
        message: `${ofAll(failed.length, emission)}: the agent gets no metrics from the application; Istio’s own are there`,
        evidence: [
          ...linesOf(subjects),
          `${first.pod.namespace}/${first.pod.name}: the agent asks ${applicationOf(first)}`,
        ],
        subjects,
        hint: `${shellLine('kubectl', '-n', namespace, 'get', kind.toLowerCase(), name, '-o', 'yaml')} | grep -n 'prometheus.io/'   # port and path of the application, or prometheus.istio.io/merge-metrics: "false"`,
      };
    }
    const stored = got.length > 0 ? storedIn(emission) : [];
    const pages = read(emission).filter((proxy) => mergedOf(proxy) !== null);
    const covered = new Set([...stored, ...pages.map(({ pod }) => pod)]).size;
    if (covered > 0)
      return { status: 'pass', message: `no failure is counted by the agents of ${ofAll(covered, emission)}` };
    return isSome(missing) ? unknown(missing) : skip('no store, and no page of an agent, to tell');
  },
});

export const pageParses = defineCheck({
  id: 'merged-page-parses',
  title: 'the agents’ pages can be read to their end',
  explains:
    'Prometheus drops a whole page for one line that it cannot read, and the application’s part is on the same page as Istio’s. Reads the pages of a few proxies that no store has.',
  reasons: {
    PageBroken:
      'A line of the page cannot be read, so that Prometheus drops all of it: most often the application wrote it.',
  },
  needs: { emission },
  judge({ emission }) {
    const pages = emission.asked.filter((proxy) => mergedOf(proxy) !== null);
    if (pages.length === 0) return skip('no page of a proxy that no store has was read');
    const broken = pages.filter((proxy) => mergedOf(proxy)?.problem);
    const [first] = broken;
    if (!first) return { status: 'pass', message: `${count(pages.length, 'page')} read to the end` };
    const pods = likeThose(emission, broken);
    const subjects = subjectsOf(pods);
    const problem = mergedOf(first)?.problem;
    return {
      status: 'fail',
      reason: 'PageBroken',
      message: `${ofAll(pods.length, emission)}: line ${problem?.line} of the page cannot be read: ${problem?.text}${unaskedIn(emission)}`,
      evidence: [...linesOf(subjects), `the agent asks ${applicationOf(first)} for the application’s part`],
      subjects,
      hint: `${shellLine('kubectl', 'istio-diag', 'metrics', first.pod.name, '-n', first.pod.namespace, '--port', '15020', '--path', '/stats/prometheus')} >/dev/null   # names the lines; or annotate the pods prometheus.istio.io/merge-metrics: "false"`,
    };
  },
});
