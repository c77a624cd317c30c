import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { NODE_VERSION, type Target } from './targets.ts';

/** Where Node for each target is kept between builds. */
const RUNTIMES = 'dist/runtime';

/** Node for a target, as files. */
export interface Runtime {
  program: string;
  /** Windows' package has none; it is the same for all. */
  licence: string;
}

const fetching = new Map<Target, Promise<Runtime>>();

/** Node for `target` from npm, its tarball compared with the pinned sum. Rejects where they differ. */
export function runtimeFor(target: Target): Promise<Runtime> {
  const runtime = fetching.get(target) ?? fetchRuntime(target);
  fetching.set(target, runtime);
  return runtime;
}

async function fetchRuntime(target: Target): Promise<Runtime> {
  const folder = join(RUNTIMES, `${NODE_VERSION}-${target.name}`);
  const runtime = {
    program: join(folder, target.os === 'windows' ? 'node.exe' : 'node'),
    licence: join(folder, 'LICENSE'),
  };
  if (existsSync(runtime.program)) return runtime;
  rmSync(folder, { recursive: true, force: true });
  const partial = `${folder}.partial`;
  mkdirSync(partial, { recursive: true });
  await unpack(fetchTarball(target, partial), partial);
  renameSync(partial, folder);
  return runtime;
}

function fetchTarball({ runtime }: Target, folder: string): string {
  const spec = `${runtime.package}@${NODE_VERSION}`;
  const said = execFileSync('npm', ['pack', '--json', '--loglevel=error', '--pack-destination', folder, spec], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: process.platform === 'win32',
  });
  const [packed] = JSON.parse(said) as { filename: string }[];
  const tarball = join(folder, packed?.filename ?? '');
  const sum = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
  if (sum !== runtime.integrity) throw new Error(`${spec} is not what it was: ${sum} instead of ${runtime.integrity}`);
  return tarball;
}

async function unpack(tarball: string, folder: string): Promise<void> {
  const wanted = new Map([
    ['package/bin/node', 'node'],
    ['package/bin/node.exe', 'node.exe'],
    ['package/LICENSE', 'LICENSE'],
  ]);
  const entries = extract();
  const unpacked = pipeline(createReadStream(tarball), createGunzip(), entries);
  // A file that is cut off fails both ends: the loop tells.
  unpacked.catch(() => undefined);
  for await (const entry of entries) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const name = wanted.get(entry.header.name);
    if (name !== undefined) writeFileSync(join(folder, name), Buffer.concat(chunks), { mode: 0o755 });
  }
  await unpacked;
  rmSync(tarball);
}
