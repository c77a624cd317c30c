import { messageOf } from '../../errors.ts';
import type { Cluster } from '../question/cluster.ts';
import { commandOf, type Question } from '../question/question.ts';

/** `cluster`, telling `listener` of each question how it went and how long its answer took, in milliseconds. */
export function observing(
  cluster: Cluster,
  listener: (command: string, took: number, outcome: string) => void,
): Cluster {
  async function observed<A>(question: Question, ask: Promise<A>, outcome: (answer: A) => string): Promise<A> {
    const started = performance.now();
    const tell = (words: string): void => listener(commandOf(question), Math.round(performance.now() - started), words);
    try {
      const answer = await ask;
      tell(outcome(answer));
      return answer;
    } catch (error) {
      tell(messageOf(error));
      throw error;
    }
  }
  return {
    list: (question) => observed(question, cluster.list(question), (objects) => `${objects.length} objects`),
    read: (question) => observed(question, cluster.read(question), ({ status }) => `HTTP ${status}`),
  };
}
