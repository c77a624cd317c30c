import type { Answer } from '../question/cluster.ts';
import type { Question } from '../question/question.ts';
import { JsonSplitter } from '../ways/json-splitter.ts';
import { object, only } from './parts.ts';

/** The document, what it is in, the list of targets, a target. */
const TARGET = 4;

/** What of a target is read, beside some of its labels. */
const FIELDS = ['scrapePool', 'scrapeUrl', 'scrapeInterval', 'health', 'lastError', 'lastScrape'];

/** The labels by which a series or a pod is told. */
const LABELS = ['job', 'instance', 'namespace', 'pod', 'pod_name', 'kubernetes_namespace', 'kubernetes_pod_name'];

/** What discovery tells of where a target is: its annotations and other labels are most of the answer, and nobody's to read. */
const DISCOVERED = [
  '__address__',
  ...['namespace', 'pod_name', 'pod_ip', 'service_name', 'endpoint_port_name'].map(
    (name) => `__meta_kubernetes_${name}`,
  ),
];

/**
 * Prometheus' targets, each cut down to what is read as it comes in: nothing else is to be in a bundle. Of those that
 * were dropped nothing is kept but how many they are. Whatever else the answer says passes as it is.
 */
export function trimmedTargets(question: Question, answer: Answer): Answer {
  const path = question.ask === 'url' ? question.url : question.ask === 'page' ? question.path : '';
  return answer.status === 200 && /\/api\/v1\/targets\?/.test(path)
    ? { ...answer, body: cutDown(answer.body) }
    : answer;
}

async function* cutDown(body: Answer['body']): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  const splitter = new JsonSplitter({
    depth: TARGET,
    onEntry(list, entry) {
      // In the place that was handed on for it.
      parts[parts.length - 1] = Buffer.from(list === 'activeTargets' ? targetText(entry) : '{}');
    },
    onRest: (part) => void parts.push(Buffer.from(part)),
  });
  for await (const chunk of body) {
    splitter.push(chunk);
    // The last may be the place of a target that goes on in the next chunk.
    const last = parts.pop();
    if (parts.length > 0) yield Buffer.concat(parts);
    parts = last ? [last] : [];
  }
  if (parts.length > 0) yield Buffer.concat(parts);
}

/** A target's text; as it is where it is no JSON, which is its reader's to say. */
function targetText(entry: string): string {
  try {
    const target = object(JSON.parse(entry));
    return JSON.stringify({
      ...only(target, ...FIELDS),
      labels: only(target.labels, ...LABELS),
      discoveredLabels: only(target.discoveredLabels, ...DISCOVERED),
    });
  } catch {
    return entry;
  }
}
