import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The one folder that a run may write to: mode 0700, made when first needed. */
export interface Scratch {
  /** The path of a new name in the folder. Throws after `remove`. */
  path(name: string): string;
  /** Deletes the folder. May be called at any time, from a handler of `exit` too. */
  remove(): void;
}

export function makeScratch(): Scratch {
  let folder: string | undefined;
  let removed = false;
  let count = 0;
  return {
    path(name) {
      // A folder made now would never be deleted.
      if (removed) throw new Error('the run has ended and its folder is deleted');
      // Short: a unix socket's path may have about 100 characters, and macOS' temporary folder takes half of them.
      folder ??= mkdtempSync(join(tmpdir(), 'istio-diag-'));
      return join(folder, `${count++}${name}`);
    },
    remove() {
      removed = true;
      try {
        if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
      } catch {
        // A folder that cannot be deleted is no reason to lose a report.
      }
      folder = undefined;
    },
  };
}
