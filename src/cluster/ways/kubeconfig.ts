import { access, constants, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { yamlIn } from '../question/yaml.ts';
import type { Kubectl } from './kubectl-process.ts';

/** What a kubeconfig holds, as far as we look. */
export interface KubeConfig {
  'current-context'?: string;
  contexts?: readonly { name?: string; context?: { namespace?: string } }[] | null;
  clusters?: readonly { name?: string }[] | null;
  users?: readonly { name?: string }[] | null;
}

/** Has kubectl say which files it reads; what it says, in every kubectl with klog or glog. */
export const TELLS_FILES = '--vmodule=loader=6';
const FILE = /^I\d{4} [^\]]*loader\.go:\d+\] Config loaded from file:? +(.+)$/gm;

/** The files that kubectl says it has read, in its order. */
export const filesIn = (stderr: string): readonly string[] => [
  ...new Set([...stderr.matchAll(FILE)].map(([, file = '']) => file)),
];

/**
 * The context that kubectl uses, by the files it has read, merged as it does: of each name the first. Null where they
 * do not tell, and where kubectl is no compiled program: a script may give it a context of its own.
 */
export async function contextIn(
  files: readonly string[],
  kubectl: Kubectl,
): Promise<{ context: string; namespace: string } | null> {
  if (files.length === 0) return null;
  try {
    const [configs, compiled] = await Promise.all([Promise.all(files.map(configOf)), isCompiled(kubectl)]);
    if (!compiled) return null;
    const given = kubectl.flags.findLast((flag) => flag.startsWith('--context='))?.slice('--context='.length);
    const name = given ?? configs.find((config) => config?.['current-context'])?.['current-context'];
    const found = configs.flatMap((config) => config?.contexts ?? []).find((context) => context.name === name);
    const namespace: unknown = found?.context?.namespace || 'default';
    // What YAML reads as a number is no name for kubectl.
    return typeof name === 'string' && found && typeof namespace === 'string' ? { context: name, namespace } : null;
  } catch {
    return null;
  }
}

async function configOf(file: string): Promise<KubeConfig | null> {
  // What is no file may have been read up by kubectl, and would be waited for.
  if (!(await stat(file)).isFile()) throw new Error(`${file} is not a file`);
  return (await yamlIn(await readFile(file, 'utf8'))) as KubeConfig | null;
}

/** How programs begin that no other one runs: ELF, and Mach-O of one processor or several. */
const COMPILED = ['7f454c46', 'cffaedfe', 'cafebabe'];

/** Whether a program, by its path or on the PATH, is compiled: a script may call kubectl as it likes. */
async function isCompiled({ program, env }: Kubectl): Promise<boolean> {
  const folders = program.includes('/') ? [''] : (env.PATH ?? '').split(':');
  for (const folder of folders) {
    const path = folder === '' ? program : join(folder, program);
    // What may not be run is passed over.
    const file = await access(path, constants.X_OK).then(
      () => open(path),
      () => null,
    );
    if (file === null) continue;
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0).finally(() => file.close());
    return COMPILED.includes(buffer.toString('hex'));
  }
  return false;
}
