import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report } from '../../../src/report/report.ts';
import { type Mesh, withMesh } from '../meshes.ts';
import { type Ran, reported } from '../run.ts';

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
const AT_ONCE = 8;

/**
 * Looks at every mesh, several at a time, from the first that is asked for on: a test awaits its own, and the next ones
 * are under way meanwhile.
 */
export function examining(meshes: ReadonlyMap<string, () => Mesh>): (name: string) => Promise<Examined> {
  const waiting = [...meshes];
  const found = new Map<string, Promise<Examined>>();
  let free = AT_ONCE;
  const startNext = (): void => {
    while (free > 0) {
      const [name, mesh] = waiting.shift() ?? [];
      if (name === undefined || mesh === undefined) return;
      free--;
      const promise = examine(mesh()).finally(() => {
        free++;
        startNext();
      });
      // It is awaited by its own test, which may come later.
      promise.catch(() => undefined);
      found.set(name, promise);
    }
  };
  return async (name) => {
    startNext();
    // Meshes are started in their order, and so are the tests that await them.
    for (;;) {
      const one = found.get(name);
      if (one) return one;
      await Promise.race(found.values());
    }
  };
}
