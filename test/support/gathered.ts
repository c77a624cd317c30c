import { endAllOf } from '../../src/cluster/ways/kubectl-process.ts';
import { liveCluster } from '../../src/cluster/ways/live.ts';
import { makeScratch } from '../../src/cluster/ways/scratch.ts';
import type { ControlPlane, Scope, Source, Step } from '../../src/diagnosis/check.ts';
import type { Finding } from '../../src/diagnosis/finding.ts';
import { Gatherer } from '../../src/diagnosis/gather.ts';
import { findingsOf, type Run } from './findings.ts';
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
  use: (run: Run) => Promise<T>,
): Promise<T> {
  const scratch = makeScratch();
  const kubectl = { program: 'kubectl', flags: [`--kubeconfig=${kubeconfig}`], env: process.env };
  const live = liveCluster({ kubectl, patience: { request: 5000, run: new AbortController().signal }, scratch });
  try {
    return await use({ cluster: live, scope: { ...scope, ...narrowed }, now, sleep: () => Promise.resolve() });
  } finally {
    await live.close();
    await endAllOf(kubectl);
    scratch.remove();
  }
}

/** What a source brings through the real kubectl from whatever a kubeconfig leads to. */
export const gathered = <T>(source: Source<T>, kubeconfig: string, options: Looking = {}): Promise<T> =>
  looking(kubeconfig, options, async (run) => (await new Gatherer(run, () => 0).gather(source, istiod)).evidence as T);

/** What a source brings of nothing but the Prometheus at this URL. */
export const gatheredFrom = <T>(source: Source<T>, url: string): Promise<T> =>
  gathered(source, '/nonexistent', { scope: { prometheus: { url } } });

/** What each check of a step finds there, by its id. */
export const findingsAt = (
  step: Step,
  kubeconfig: string,
  options: Looking = {},
): Promise<ReadonlyMap<string, Finding>> => looking(kubeconfig, options, (run) => findingsOf(step, istiod, run));
