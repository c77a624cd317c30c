import type { ExecQuestion } from '../../cluster/question/question.ts';
import { textOf, unanswered } from '../../cluster/question/text.ts';
import { ofEachEnvoy } from './asked.ts';

/** The file descriptors of one process of Envoy. */
export interface Descriptors {
  open: number;
  /** What it may have now, and what it may raise that to. */
  soft: number;
  hard: number;
}

/** `Max open files            1024                 524288               files`, then `open 57`, for each process. */
export function descriptorsIn(text: string): readonly Descriptors[] {
  const number = (word: string | undefined): number => (word === 'unlimited' ? Number.POSITIVE_INFINITY : Number(word));
  return [...text.matchAll(/^Max open files +(\w+) +(\w+).*\n(?:.*\n)*?open (\d+)$/gm)].map(([, soft, hard, open]) => ({
    open: Number(open),
    soft: number(soft),
    hard: number(hard),
  }));
}

/** As /proc shows them inside the container: two processes while one takes over from the other. */
export const envoyDescriptors = ofEachEnvoy(
  [{ verb: 'create', resource: 'pods/exec' }],
  async ({ cluster }, { pod, container }): Promise<readonly Descriptors[]> => {
    const { namespace, name } = pod;
    const question: ExecQuestion = { ask: 'exec', namespace, pod: name, container: container.name, run: 'descriptors' };
    const text = await textOf(question, await cluster.read(question));
    const found = descriptorsIn(text);
    if (found.length === 0) throw unanswered(question, 'BadAnswer', 'no process named envoy was seen there');
    return found;
  },
);
