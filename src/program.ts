import { getRawAsset, isSea } from 'node:sea';
import { Script } from 'node:vm';

/** All of the program but its start (main.ts). */
export type Program = typeof import('./cli.ts');

/** What the binary carries of it (src/build/binary.ts): the bundle as a function of PARAMETERS, and its compiled forms. */
export const SOURCE = 'cli.cjs';

/** Of all of it, and of what the words that ask no cluster call: to read the whole takes 10 ms, what it saves 60. */
export const COMPILED = { whole: 'whole.cache', start: 'start.cache' } as const;

/** What a CommonJS module is given. */
export const PARAMETERS = 'module, exports, require, __filename';

/** A file beside the program is nobody's module: only Node's own are loaded. */
function builtIn(name: string): unknown {
  const found = process.getBuiltinModule(name);
  if (found === undefined) throw new Error(`${name} is not a module of Node's`);
  return found;
}

/** The bundle as it is embedded. Where `compiled` is of another Node, Node compiles it itself. */
export const scriptOf = (source: Buffer, compiled: Buffer | undefined): Script =>
  new Script(source.toString('latin1'), { filename: 'dist/cli.cjs', ...(compiled && { cachedData: compiled }) });

/** Runs an embedded bundle. */
export function programOf(script: Script): Program {
  const module = { exports: {} };
  script.runInThisContext()(module, module.exports, builtIn, process.execPath);
  return module.exports as Program;
}

/** The program: in a binary from its assets, `compiled` among them if it is there; else from the bundle beside this one. */
export async function loadProgram(compiled: keyof typeof COMPILED): Promise<Program> {
  if (!isSea()) return import('./cli.ts');
  const asset = (name: string): Buffer => Buffer.from(getRawAsset(name) as ArrayBuffer);
  const cachedData = asset(COMPILED[compiled]);
  return programOf(scriptOf(asset(SOURCE), cachedData.length > 0 ? cachedData : undefined));
}
