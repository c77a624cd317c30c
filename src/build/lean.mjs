import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * An esbuild plugin that has a package's files another way in the bundle: by the end of a file's path, what it must
 * hold still, and what it becomes. Fails where the package is no longer what it was.
 */
export const lean = (name, changes) => ({
  name: `lean-${name}`,
  setup(build) {
    const changed = new Set();
    for (const [end, { holds, becomes }] of Object.entries(changes)) {
      const filter = new RegExp(`/${end.replace(/[.]/g, '\\.')}$`);
      build.onLoad({ filter }, ({ path }) => {
        const text = readFileSync(path, 'utf8');
        for (const piece of holds) if (!text.includes(piece)) throw new Error(`${path} no longer holds ${piece}`);
        changed.add(end);
        return { contents: becomes(text), resolveDir: dirname(path), loader: 'js' };
      });
    }
    build.onEnd(() => {
      for (const end of Object.keys(changes))
        if (!changed.has(end)) throw new Error(`${name} has no ${end}, which src/build/lean-${name}.mjs changes`);
    });
  },
});
