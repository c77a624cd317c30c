import { endAllOf } from '../../src/cluster/ways/kubectl-process.ts';
import { liveCluster } from '../../src/cluster/ways/live.ts';
import { makeScratch } from '../../src/cluster/ways/scratch.ts';
import type { ControlPlane, Scope, Source, Step, Verdict } from '../../src/diagnosis/check.ts';
import { Gatherer } from '../../src/diagnosis/gather.ts';
import { NOW, scope } from './judging.ts';

/** The control plane of modern.ts' mesh. */
export const istiod: ControlPlane = {
  generation: 'telemetry-v2',
  namespace: 'istio-system',
  revision: null,
  version: '1.31.0',
};

interface Looking {
  scope?: Partial<Scope>;
  now?: number;
}

async function looking<T>(
  kubeconfig: string,
  { scope: narrowed = {}, now = NOW }: Looking,
  use: (gather: <E>(source: Source<E>) => Promise<E>) => Promise<T>,
): Promise<T> {
  const scratch = makeScratch();
  const kubectl = { program: 'kubectl', flags: [`--kubeconfig=${kubeconfig}`], env: process.env };
  const live = liveCluster({ kubectl, patience: { request: 5000, run: new AbortController().signal }, scratch });
  const run = { cluster: live, scope: { ...scope, ...narrowed }, now, sleep: () => Promise.resolve() };
  const gatherer = new Gatherer(run, () => 0);
  try {
    return await use(async (source) => (await gatherer.gather(source, istiod)).evidence as never);
  } finally {
    await live.close();
    await endAllOf(kubectl);
    scratch.remove();
  }
}

/** What a source brings through the real kubectl from whatever a kubeconfig leads to. */
export const gathered = <T>(source: Source<T>, kubeconfig: string, options: Looking = {}): Promise<T> =>
  looking(kubeconfig, options, (gather) => gather(source));

/** What each check of a step says, by its id. */
export const verdictsOf = (
  { checks }: Step,
  kubeconfig: string,
  options: Looking = {},
): Promise<ReadonlyMap<string, Verdict>> =>
  looking(kubeconfig, options, async (gather) => {
    const context = { plane: istiod, scope: { ...scope, ...options.scope }, now: options.now ?? NOW };
    const verdicts = new Map<string, Verdict>();
    for (const check of checks) {
      const evidence: Record<string, unknown> = {};
      for (const [name, source] of Object.entries(check.needs)) evidence[name] = await gather(source);
      verdicts.set(check.id, check.judge(evidence, context));
    }
    return verdicts;
  });
