import type { Cluster } from '../../cluster/question/cluster.ts';
import type { ExecQuestion, PageQuestion } from '../../cluster/question/question.ts';
import { unanswered } from '../../cluster/question/text.ts';
import { CUT_FAULT } from '../../prometheus/characters.ts';
import { lineOf } from '../../prometheus/metrics.ts';
import { numberOf } from '../../prometheus/numbers.ts';
import type { Problem } from '../../prometheus/page-reader.ts';
import { askLines } from '../prometheus/metrics-page.ts';

/** What a page of a proxy shows of Istio's metrics, and of what keeps them away. */
export interface MetricsPage {
  /** Whose parts are on it: the agent merges its own, Envoy's and the application's (modern.md 2c). */
  parts: { agent: boolean; envoy: boolean };
  /** The tag of `istio_build`: the stats filter itself makes it when it is loaded, and ztunnel always; null without. */
  build: string | null;
  /** Istio's standard metrics that are there: none before the first request. */
  families: ReadonlySet<string>;
  /** Names that hold a standard one and something else: a tag that Envoy was not told of (modern.md 5, 23). */
  mangled: readonly string[];
  /** `envoy_server_state`: 0 is live, 2 and 3 wait for the first configuration; null where it is not told. */
  state: number | null;
  /** Configurations of listeners that Envoy took and refused since it started; null where it does not tell. */
  taken: number | null;
  refused: number | null;
  /** The listeners that it has, its own two for metrics and health among them; null where it does not tell. */
  listeners: number | null;
  /** How often the agent could not have a part, by the part: `envoy`, `application`, `agent`. */
  failures: ReadonlyMap<string, number>;
  /** The first line that no reader takes; Prometheus then drops the whole page. */
  problem: Problem | null;
  /** The lines that prove it. */
  lines: readonly string[];
}

const STANDARD =
  /^istio_(requests_total|request_messages_total|response_messages_total|tcp_connections_(opened|closed)_total|tcp_(sent|received)_bytes_total)$/;
const MANGLED = /^(?!istio_requests_total$)(?!.*:)\w*istio_requests_total/;
const AGENT = /^istio_agent_/;
const STATES =
  /^(istio_build|envoy_server_state|envoy_listener_manager_(lds_update_(rejected|success)|total_listeners_active)|istio_agent_scrape_failures_total)$/;

/** Reads one, keeping what is told above of pages of any size. */
export async function askMetricsPage(cluster: Cluster, question: PageQuestion | ExecQuestion): Promise<MetricsPage> {
  const parts = { agent: false, envoy: false };
  let build: string | null = null;
  const families = new Set<string>();
  const mangled = new Set<string>();
  const values = new Map<string, number>();
  const failures = new Map<string, number>();
  const lines: string[] = [];
  const told = new Set<string>();
  // Asked once for each name. All are read, the application's too: a line that cannot be costs Istio's with it.
  const wants = (name: string): true => {
    if (AGENT.test(name)) parts.agent = true;
    if (name.startsWith('envoy_')) parts.envoy = true;
    if (STANDARD.test(name) || STATES.test(name) || MANGLED.test(name)) told.add(name);
    return true;
  };
  const { problems } = await askLines(cluster, question, wants, (_family, sample) => {
    if (!told.has(sample.name)) return;
    const { name, labels, value } = sample;
    if (name === 'istio_build' && /^(proxy|ztunnel)$/.test(labels.get('component') ?? ''))
      build = labels.get('tag') ?? '';
    if (STANDARD.test(name)) families.add(name);
    if (MANGLED.test(name)) mangled.add(name);
    if (name === 'istio_agent_scrape_failures_total') {
      const part = labels.get('type') ?? '';
      failures.set(part, (failures.get(part) ?? 0) + numberOf(value));
    } else if (STATES.test(name)) values.set(name, numberOf(value));
    if (STATES.test(name)) lines.push(lineOf(sample));
  });
  // The filter's own metrics are Envoy's part too.
  if (build !== null || families.size > 0) parts.envoy = true;
  const [problem = null] = problems;
  // A page that breaks off holds what it holds; what it lacks may have been behind.
  if (problem?.text === CUT_FAULT && build === null && families.size === 0)
    throw unanswered(question, 'BadAnswer', `line ${problem.line} of the page: ${problem.text}`);
  return {
    parts,
    build,
    families,
    mangled: [...mangled],
    state: values.get('envoy_server_state') ?? null,
    taken: values.get('envoy_listener_manager_lds_update_success') ?? null,
    refused: values.get('envoy_listener_manager_lds_update_rejected') ?? null,
    listeners: values.get('envoy_listener_manager_total_listeners_active') ?? null,
    failures,
    problem: problem?.text === CUT_FAULT ? null : problem,
    lines,
  };
}

/** Whether the filter is loaded: what it counts proves it too, where `istio_build` was evicted as long unchanged. */
export const isLoaded = ({ build, families }: MetricsPage): boolean => build !== null || families.size > 0;
