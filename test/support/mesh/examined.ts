import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report } from '../../../src/report/document.ts';
import { type Mesh, withMesh } from '../meshes.ts';
import { type Ran, reported } from '../run.ts';

/** What only a bundle's replay may differ in. */
export const comparable = ({ run, ...report }: Report): unknown => ({ ...report, run: { ...run, source: 'either' } });

/** What was said of a mesh: live, through the real kubectl and a real Prometheus, and again from the bundle of that run. */
export interface Examined {
  live: Ran & { report: Report };
  /** Null where that was not asked for: it takes as long again. */
  replayed: (Ran & { report: Report }) | null;
}

/** Lets so many tasks run at a time; the others wait, in their order. */
function atMost(most: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = most;
  return async (task) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}

/** A Prometheus takes up its targets 5 s after its start, and does nothing before: many may wait. */
const standing = atMost(16);

/** Pages are served by this process, which must not be so busy that a scrape takes too long. */
const running = atMost(2);

async function examine(mesh: Mesh, replays: boolean): Promise<Examined> {
  const folder = mkdtempSync(join(tmpdir(), 'examined-'));
  const bundle = join(folder, 'bundle.tar.gz');
  try {
    return await withMesh(mesh, (_, env) =>
      running(async () => ({
        live: await reported([...mesh.command, '--save-bundle', bundle], { env }),
        replayed: replays ? await reported([...mesh.command, '--bundle', bundle]) : null,
      })),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Looks at every mesh, several at a time, from the first that is asked for on: a test awaits its own, and the next ones
 * are under way meanwhile.
 */
export function examining(
  meshes: ReadonlyMap<string, () => Mesh>,
  replays: (name: string) => boolean = () => true,
): (name: string) => Promise<Examined> {
  let found: ReadonlyMap<string, Promise<Examined>> | null = null;
  return async (name) => {
    if (found === null) {
      // Each has children whose end it sees to.
      process.setMaxListeners(200);
      found = new Map([...meshes].map(([key, mesh]) => [key, standing(() => examine(mesh(), replays(key)))]));
      // Each is awaited by its own test, which may come later.
      for (const each of found.values()) each.catch(() => undefined);
    }
    const own = found.get(name);
    if (!own) throw new Error(`there is no mesh ${name}`);
    return own;
  };
}
