import type { Cluster } from '../../cluster/question/cluster.ts';
import type { ExecQuestion, PageQuestion } from '../../cluster/question/question.ts';
import { askPage, unanswered } from '../../cluster/question/text.ts';
import type { Family, PageSummary, Sample } from '../../prometheus/page-reader.ts';
import { readPage } from '../../prometheus/page-reader.ts';

/** Reads a metrics page as it comes in, handing on what `wants` names. Lines that cannot be read are told, and the rest is read. */
export async function askLines(
  cluster: Cluster,
  question: PageQuestion | ExecQuestion,
  wants: (name: string) => boolean,
  onSample: (family: Family, sample: Sample) => void,
): Promise<PageSummary> {
  const answer = await askPage(cluster, question);
  const summary = await readPage(answer.body, wants, onSample);
  const [problem] = summary.problems;
  if (problem && summary.samples + summary.skipped <= summary.problemCount) {
    throw unanswered(question, 'BadAnswer', `not a metrics page: line ${problem.line}: ${problem.text}`);
  }
  return summary;
}

/** The same of a page that is judged whole: half a page must not be judged as if it were all of it. */
export async function askMetrics(
  cluster: Cluster,
  question: PageQuestion,
  wants: (name: string) => boolean,
  onSample: (family: Family, sample: Sample) => void,
): Promise<PageSummary> {
  const summary = await askLines(cluster, question, wants, onSample);
  const [problem] = summary.problems;
  if (problem) throw unanswered(question, 'BadAnswer', `line ${problem.line} of the page: ${problem.text}`);
  return summary;
}
