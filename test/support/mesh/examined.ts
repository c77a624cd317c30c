import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report } from '../../../src/report/report.ts';
import { type Mesh, withMesh } from '../meshes.ts';
import { type Ran, reported } from '../run.ts';

/** What only a bundle's replay may differ in. */
export const comparable = ({ run, ...report }: Report): unknown => ({ ...report, run: { ...run, source: 'either' } });

/** What was said of a mesh: live, through the real kubectl and a real Prometheus, and again from the bundle of that run. */
export interface Examined {
  live: Ran & { report: Report };
  replayed: Ran & { report: Report };
}

async function examine(mesh: Mesh): Promise<Examined> {
  const folder = mkdtempSync(join(tmpdir(), 'examined-'));
  const bundle = join(folder, 'bundle.tar.gz');
  try {
    const live = await withMesh(mesh, (_, env) => reported([...mesh.command, '--save-bundle', bundle], { env }));
    return { live, replayed: await reported([...mesh.command, '--bundle', bundle]) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** So many meshes are looked at at a time: a Prometheus takes up its targets 5 s after its start, and does nothing before. */
const AT_ONCE = 16;

/** Runs every task, at most so many at a time, in their order; resolves each to what it gives. */
function inTurns<T>(tasks: readonly (() => Promise<T>)[]): readonly Promise<T>[] {
  const running = new Set<Promise<unknown>>();
  let turn: Promise<unknown> = Promise.resolve();
  return tasks.map((task) => {
    const begun = turn.then(async () => {
      if (running.size >= AT_ONCE) await Promise.race(running);
      const run = task();
      const ended: Promise<unknown> = run.then(
        () => running.delete(ended),
        () => running.delete(ended),
      );
      running.add(ended);
      return { run };
    });
    turn = begun;
    const result = begun.then(({ run }) => run);
    // It is awaited by its own test, which may come later.
    result.catch(() => undefined);
    return result;
  });
}

/**
 * Looks at every mesh, several at a time, from the first that is asked for on: a test awaits its own, and the next ones
 * are under way meanwhile.
 */
export function examining(meshes: ReadonlyMap<string, () => Mesh>): (name: string) => Promise<Examined> {
  let found: ReadonlyMap<string, Promise<Examined>> | null = null;
  return async (name) => {
    if (found === null) {
      // Each has children whose end it sees to.
      process.setMaxListeners(10 * AT_ONCE);
      const examinations = inTurns([...meshes.values()].map((mesh) => () => examine(mesh())));
      found = new Map([...meshes.keys()].map((key, index) => [key, examinations[index] as Promise<Examined>]));
    }
    const own = found.get(name);
    if (!own) throw new Error(`there is no mesh ${name}`);
    return own;
  };
}
