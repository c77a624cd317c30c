import { messageOf } from '../errors.ts';
import { type Patience, within } from './deadline.ts';
import { type Kubectl, lastWords, startKubectl } from './kubectl.ts';

/** Which cluster this is, by kubectl's own reading of its configuration. */
export interface Identity {
  context: string | null;
  /** The namespace of the context: where a workload is looked for without -n. */
  namespace: string;
  /** What kubectl said when there is no usable configuration; inside a pod that is no fault. */
  words: string | null;
}

/** Asks `kubectl config view --minify`: reads files only, and is asked beside the first questions. */
export async function identify(kubectl: Kubectl, patience: Patience): Promise<Identity> {
  const process = startKubectl(kubectl, ['config', 'view', '--minify', '-o', 'json']);
  let text = '';
  process.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
  });
  try {
    const { exitCode } = await within(patience, process.ended);
    if (exitCode !== 0) return { context: null, namespace: 'default', words: lastWords(process.stderr()) };
    return identityIn(text);
  } catch (error) {
    await process.end();
    return { context: null, namespace: 'default', words: messageOf(error) };
  }
}

interface KubeConfig {
  'current-context'?: string;
  contexts?: readonly { name?: string; context?: { namespace?: string } }[] | null;
}

function identityIn(text: string): Identity {
  const config = JSON.parse(text) as KubeConfig;
  const context = config.contexts?.[0];
  return {
    context: context?.name ?? config['current-context'] ?? null,
    namespace: context?.context?.namespace || 'default',
    words: null,
  };
}
