import { messageOf, NoAnswer } from '../errors.ts';
import type { ApiServer } from './api-server.ts';
import type { Answer } from './cluster.ts';
import { Overdue, type Patience } from './deadline.ts';
import { answerOf, LIMIT, PROGRAMS } from './exec.ts';
import { type Running, startInContainer } from './exec-tunnel.ts';
import { type ExecProxy, openExecProxy } from './gateway.ts';
import { type Ran, runKubectl } from './kubectl.ts';
import type { Kubectl } from './kubectl-process.ts';
import type { ExecQuestion } from './question.ts';
import type { Scratch } from './scratch.ts';
import { unanswered } from './text.ts';
import { TunnelRefused } from './tunnel.ts';

/**
 * Runs programs in containers: through a `kubectl proxy` of their own, so that all of them take one login, or else a
 * `kubectl exec` for each. The gateway refuses them: whoever could reach it could run anything.
 */
export interface Executions {
  /** Rejects with NoAnswer. */
  run(question: ExecQuestion): Promise<Answer>;
  close(): Promise<void>;
}

export function executionsThrough(
  apiServer: () => Promise<ApiServer>,
  kubectl: Kubectl,
  scratch: Scratch,
  patience: Patience,
): Executions {
  let proxy: Promise<ExecProxy | null> | undefined;
  let closed = false;
  /** Once one was refused, the next would be too: an old proxy on the way, or a right that is missing. */
  let refused = false;
  let proven = false;

  /** null where kubectl has to run it, and says why it cannot. */
  async function startedThere(question: ExecQuestion): Promise<Running | null> {
    // Where the gateway cannot be had, this one cannot either.
    const server = await apiServer().catch(() => null);
    if (refused || closed || !server?.tunnel) return null;
    proxy ??= openExecProxy(kubectl, scratch, patience).catch(() => null);
    const open = await proxy;
    if (open === null) return null;
    try {
      const running = await startInContainer(open.socketPath, question, LIMIT, patience);
      proven = true;
      return running;
    } catch (error) {
      if (error instanceof Overdue && (proven || patience.run.aborted)) throw error;
      if (!(error instanceof Overdue) && !(error instanceof TunnelRefused)) throw error;
      if (error instanceof Overdue || !error.isOfThisPodOnly) refused = true;
      return null;
    }
  }

  function runByKubectl({ namespace, pod, container, run }: ExecQuestion): Promise<Ran> {
    const args = ['exec', `--namespace=${namespace}`, `pod/${pod}`, `--container=${container}`];
    return runKubectl(kubectl, args, patience, { command: PROGRAMS[run], limit: LIMIT });
  }

  return {
    async run(question) {
      try {
        const running = await startedThere(question);
        if (closed) throw unanswered(question, 'Interrupted', 'the run had ended before this was asked');
        return answerOf(question, await (running?.ran() ?? runByKubectl(question)));
      } catch (error) {
        if (error instanceof Overdue) throw unanswered(question, error.stop, error.message);
        if (error instanceof NoAnswer) throw error;
        throw unanswered(question, 'BadAnswer', messageOf(error), { cause: error });
      }
    },
    async close() {
      closed = true;
      await (await proxy)?.close();
    },
  };
}
