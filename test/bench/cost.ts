import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import tool from '../../package.json' with { type: 'json' };
import { hostTarget } from '../../src/build/targets.ts';
import type { TestCluster } from '../e2e/cluster.ts';
import { BINARY } from '../e2e/user.ts';
import { median } from './paired.ts';

/** How many objects are created at once. */
const AT_ONCE = 24;

/** Creates `count` objects at the path of their list; with `statusOf` each has a status of its own. */
export async function create(
  { api }: TestCluster,
  path: string,
  count: number,
  of: (number: number) => object,
  statusOf?: (number: number) => object,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const number = next++;
      const object = of(number) as { metadata: { name: string } };
      await api('POST', path, object);
      if (statusOf) await api('PATCH', `${path}/${object.metadata.name}/status`, { status: statusOf(number) });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Kilobytes of a process, and of all that it has started. */
function memoryOf(root: number, met: Set<number>): Readonly<Record<'own' | 'below', number>> {
  const parents = new Map<number, number>();
  const sizes = new Map<number, number>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      parents.set(Number(pid), Number(/^PPid:\t(\d+)/m.exec(status)?.[1]));
      sizes.set(Number(pid), Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0));
    } catch {
      // It has ended meanwhile.
    }
  }
  const isBelow = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (parents.get(pid) === root || isBelow(parents.get(pid)));
  const started = [...sizes].filter(([pid]) => isBelow(pid));
  for (const [pid] of started) met.add(pid);
  const below = started.reduce((sum, [, size]) => sum + size, 0);
  return { own: sizes.get(root) ?? 0, below };
}

/** Seconds, and megabytes: the most that a program had at once with all that it started, and each of the two. */
export interface Cost {
  seconds: number;
  megabytes: number;
  own: number;
  below: number;
  /** How many it started in all, as far as they lived long enough to be seen. */
  processes: number;
}

export async function costOf(command: string, args: readonly string[], KUBECONFIG: string): Promise<Cost> {
  const began = performance.now();
  const child: ChildProcess = spawn(command, args, { env: { ...process.env, KUBECONFIG }, stdio: 'ignore' });
  const most = { megabytes: 0, own: 0, below: 0 };
  const met = new Set<number>();
  const watch = setInterval(() => {
    const { own, below } = memoryOf(child.pid ?? 0, met);
    const now = { megabytes: own + below, own, below };
    for (const what of ['megabytes', 'own', 'below'] as const) most[what] = Math.max(most[what], now[what] / 1024);
  }, 15);
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearInterval(watch);
  if (code !== 0 && code !== 1 && code !== 3) throw new Error(`${command} ${args.join(' ')}: exit ${String(code)}`);
  return { seconds: (performance.now() - began) / 1000, ...most, processes: met.size };
}

/**
 * The program as krew installs it: unpacked from its archive in small writes. The file that the build writes at once lies
 * in the system's page cache in large folios, of which each is counted whole to whoever touches a byte of it: 35 MB more.
 */
export function installIn(folder: string): string {
  execFileSync('tar', ['-xzf', `dist/kubectl-istio-diag-v${tool.version}-${hostTarget().name}.tar.gz`, '-C', folder]);
  return join(folder, basename(BINARY));
}

/** Runs `program` and kubectl's own list of all pods in turns, and prints what each took: medians, and our shares. */
export async function compareCost(
  name: string,
  [program, ...args]: readonly [string, ...string[]],
  KUBECONFIG: string,
  rounds: number,
): Promise<void> {
  const pairs: [Cost, Cost][] = [];
  await costOf(program, args, KUBECONFIG);
  for (let round = 0; round < rounds; round++) {
    const rival = await costOf('kubectl', ['get', 'pods', '--all-namespaces', '-o', 'json'], KUBECONFIG);
    pairs.push([await costOf(program, args, KUBECONFIG), rival]);
  }
  const of = (index: 0 | 1, what: keyof Cost): number => median(pairs.map((pair) => pair[index][what]));
  for (const [who, index] of [
    [name, 0],
    ['kubectl get pods -A -o json', 1],
  ] as const) {
    const [all, own, below] = (['megabytes', 'own', 'below'] as const).map((what) => of(index, what).toFixed(0));
    const seconds = of(index, 'seconds').toFixed(2);
    process.stdout.write(
      `${who.padEnd(28)} ${seconds} s  ${all} MB: ${own} of its own, ${below} of the ${of(index, 'processes')} processes that it starts\n`,
    );
  }
  for (const [title, what] of [
    ['the time', 'seconds'],
    ['the memory', 'megabytes'],
  ] as const) {
    const shares = pairs.map(([ours, rival]) => ours[what] / rival[what]);
    const least = Math.min(...shares).toFixed(2);
    process.stdout.write(`share of ${title}: ${median(shares).toFixed(2)}, at least ${least}\n`);
  }
}
