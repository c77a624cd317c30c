import { getRawAsset, isSea } from 'node:sea';
import { Script } from 'node:vm';

/** All of the program but its start (main.ts). */
type Program = typeof import('./cli.ts');

/** The folder of the bundle: ENTRY, and beside it what is loaded when it is first needed. */
export const PROGRAM = 'program';

export const ENTRY = 'cli.cjs';

/** What a binary carries beside a file of the bundle, which is a function of PARAMETERS there: its compiled form. */
export const compiledOf = (file: string): string => `${file}.cache`;

/** What a CommonJS module is given. */
export const PARAMETERS = 'module, exports, require';

/** A file of the bundle as it is embedded. Where `compiled` is of another Node, Node compiles it itself. */
export const scriptOf = (file: string, source: Buffer, compiled: Buffer | undefined): Script =>
  new Script(source.toString('latin1'), {
    filename: `dist/${PROGRAM}/${file}`,
    ...(compiled && { cachedData: compiled }),
  });

const asset = (name: string): Buffer => Buffer.from(getRawAsset(name) as ArrayBuffer);

const modules = new Map<string, { exports: unknown }>();

/** What a file of the bundle exports. One that is being loaded may be asked for again: it gets what there is. */
function embedded(file: string): unknown {
  const known = modules.get(file);
  if (known) return known.exports;
  const cachedData = asset(compiledOf(file));
  const script = scriptOf(file, asset(file), cachedData.length > 0 ? cachedData : undefined);
  const module = { exports: {} };
  modules.set(file, module);
  script.runInThisContext()(module, module.exports, required);
  return module.exports;
}

/** A file beside the binary is nobody's module: only the bundle's own are loaded, and Node's. */
function required(name: string): unknown {
  if (name.startsWith('./')) return embedded(name.slice(2));
  const found = process.getBuiltinModule(name);
  if (found === undefined) throw new Error(`${name} is not a module of Node's`);
  return found;
}

/** The program: in a binary from its assets, else from the bundle beside this one. */
export async function loadProgram(): Promise<Program> {
  return isSea() ? (embedded(ENTRY) as Program) : import('./cli.ts');
}
