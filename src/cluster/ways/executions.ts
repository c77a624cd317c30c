import { messageOf, NoAnswer } from '../../errors.ts';
import type { Answer } from '../question/cluster.ts';
import { PROGRAMS } from '../question/exec.ts';
import type { ExecQuestion } from '../question/question.ts';
import { unanswered } from '../question/text.ts';
import type { ApiServer } from './api-server.ts';
import { Overdue, type Patience } from './deadline.ts';
import { type Running, startInContainer } from './exec-tunnel.ts';
import { type ExecProxy, openExecProxy } from './gateway.ts';
import { type Ran, runKubectl } from './kubectl.ts';
import type { Kubectl } from './kubectl-process.ts';
import type { PodName } from './proxy.ts';
import { answerOf, LIMITS } from './ran.ts';
import type { Scratch } from './scratch.ts';
import { attempted, type WebSockets } from './tunnel.ts';

/**
 * Runs programs in containers: through a `kubectl proxy` of their own, so that all of them take one login, or else a
 * `kubectl exec` for each. The gateway refuses them: whoever could reach it could run anything.
 */
export interface Executions {
  /** Rejects with NoAnswer. */
  run(question: ExecQuestion): Promise<Answer>;
  close(): Promise<void>;
}

/** Programs that are asked for in the same turn. Their proxy lets their pods through only, and ends with the last of them. */
interface Batch {
  pods: PodName[];
  /** How many have not ended. */
  left: number;
  proxy: Promise<ExecProxy | null>;
}

/** So many in one: a command line names their pods. */
const MOST = 256;

export function executionsThrough(
  apiServer: () => Promise<ApiServer>,
  kubectl: Kubectl,
  scratch: Scratch,
  patience: Patience,
  websockets: WebSockets,
): Executions {
  const batches: Batch[] = [];
  let gathering: Batch | null = null;
  let closed = false;
  /** Once one was refused, the next would be too: an old proxy on the way, or a right that is missing. */
  let refused = false;

  function gather(): Batch {
    const batch: Batch = { pods: [], left: 0, proxy: new Promise(setImmediate).then(() => opened(batch)) };
    batches.push(batch);
    return batch;
  }

  async function opened(batch: Batch): Promise<ExecProxy | null> {
    if (gathering === batch) gathering = null;
    if (closed) return null;
    try {
      return await openExecProxy(kubectl, scratch, patience, batch.pods);
    } catch (error) {
      // Whoever waited as long as he may does not wait for another kubectl.
      if (error instanceof Overdue) throw error;
      return null;
    }
  }

  const end = async ({ proxy }: Batch): Promise<void> => (await proxy.catch(() => null))?.close();

  /** null where kubectl has to run it, and says why it cannot. */
  async function runThere(question: ExecQuestion): Promise<Ran | null> {
    // Where the gateway cannot be had, this one cannot either.
    const server = await apiServer().catch(() => null);
    if (refused || websockets.work === false || closed || !server?.tunnel) return null;
    if (gathering === null || gathering.pods.length === MOST) gathering = gather();
    const batch = gathering;
    batch.pods.push(question);
    batch.left++;
    try {
      const proxy = await batch.proxy;
      const running = proxy && (await startedThere(proxy, question));
      return running && (await running.ran());
    } finally {
      // What is left of it could run anything in these pods.
      if (--batch.left === 0) void end(batch);
    }
  }

  const startedThere = ({ socketPath }: ExecProxy, question: ExecQuestion): Promise<Running | null> =>
    attempted(
      websockets,
      patience,
      () => startInContainer(socketPath, question, LIMITS[question.run], patience),
      () => {
        refused = true;
      },
    );

  function runByKubectl({ namespace, pod, container, run }: ExecQuestion): Promise<Ran> {
    const args = ['exec', `--namespace=${namespace}`, `pod/${pod}`, `--container=${container}`];
    return runKubectl(kubectl, args, patience, { command: PROGRAMS[run], limit: LIMITS[run] });
  }

  return {
    async run(question) {
      try {
        const ran = await runThere(question);
        if (closed) throw unanswered(question, 'Interrupted', 'the run had ended before this was asked');
        return answerOf(question, ran ?? (await runByKubectl(question)));
      } catch (error) {
        if (error instanceof Overdue) throw unanswered(question, error.stop, error.message);
        if (error instanceof NoAnswer) throw error;
        throw unanswered(question, 'BadAnswer', messageOf(error), { cause: error });
      }
    },
    async close() {
      closed = true;
      await Promise.all(batches.map(end));
    },
  };
}
