import { messageOf } from '../../errors.ts';
import type { Patience } from './deadline.ts';
import { contextIn, type KubeConfig } from './kubeconfig.ts';
import { runKubectl } from './kubectl.ts';
import type { Kubectl } from './kubectl-process.ts';

/** Which cluster this is, by kubectl's own reading of its configuration. */
export interface Identity {
  context: string | null;
  /** The namespace of the context: where a workload is looked for without -n. */
  namespace: string;
  /** What kubectl said when there is no usable configuration; inside a pod that is no fault. */
  words: string | null;
}

/**
 * Which cluster kubectl asks, by the files that it says it has read (kubeconfig.ts). Where they do not tell, `kubectl
 * config view --minify` is asked, a process more: it takes longer than the API server takes for all its lists.
 */
export async function identify(kubectl: Kubectl, files: readonly string[], patience: Patience): Promise<Identity> {
  const read = await contextIn(files, kubectl);
  if (read) return { ...read, words: null };
  const config = await viewConfig(kubectl, patience, ['--minify']);
  if (typeof config === 'string') return { context: null, namespace: 'default', words: config };
  const context = config.contexts?.[0];
  return {
    context: context?.name ?? config['current-context'] ?? null,
    namespace: context?.context?.namespace || 'default',
    words: null,
  };
}

/** The names of the contexts, clusters or users that the kubeconfig holds; none where there is no usable one. */
export async function configuredNames(
  kubectl: Kubectl,
  patience: Patience,
  of: 'contexts' | 'clusters' | 'users',
): Promise<readonly string[]> {
  const config = await viewConfig(kubectl, patience, []);
  if (typeof config === 'string') return [];
  return (config[of] ?? []).flatMap(({ name }) => (name === undefined ? [] : [name]));
}

/** 32 of `{"minor":"32+"}`, as Kubernetes writes its version; null of what is none. */
export function minorOf(version: unknown): number | null {
  const { minor } = (version ?? {}) as { minor?: unknown };
  const [number] = /^\d+/.exec(typeof minor === 'string' ? minor : '') ?? [];
  return number === undefined ? null : Number(number);
}

/** kubectl's own minor release; null where it does not tell. */
export async function clientMinor(kubectl: Kubectl, patience: Patience): Promise<number | null> {
  const text = await wordsOf({ ...kubectl, flags: [] }, patience, ['version', '--client', '-o', 'json']).catch(
    () => '',
  );
  try {
    return minorOf((JSON.parse(text) as { clientVersion?: unknown }).clientVersion);
  } catch {
    return null;
  }
}

/** What kubectl prints; rejects with its words, or when it takes too long. */
async function wordsOf(kubectl: Kubectl, patience: Patience, args: readonly string[]): Promise<string> {
  const { exitCode, output, words } = await runKubectl(kubectl, args, patience);
  if (exitCode !== 0) throw new Error(words);
  return output.toString('utf8');
}

/** The configuration, or kubectl's words on why there is none. */
async function viewConfig(
  kubectl: Kubectl,
  patience: Patience,
  flags: readonly string[],
): Promise<KubeConfig | string> {
  if (patience.run.aborted) return 'the run had ended before this was asked';
  try {
    return JSON.parse(await wordsOf(kubectl, patience, ['config', 'view', ...flags, '-o', 'json'])) as KubeConfig;
  } catch (error) {
    return messageOf(error);
  }
}
