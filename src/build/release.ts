// `npm run build [-- --target NAME|host] [--url ADDRESS]`: the manual, the binaries, their archives, and the krew manifest,
// below dist/.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../errors.ts';
import { tool } from '../version.ts';
import { archiveOf } from './archive.ts';
import { binaryPath, buildBinary } from './binary.ts';
import { manifestText, type Platform } from './manifest.ts';
import { manual } from './reference.ts';
import { runtimeFor } from './runtime.ts';
import { hostTarget, programOf, TARGETS, type Target } from './targets.ts';

/** Stands for where the project is published: `--url` names the real place. */
const NOWHERE = 'https://example.invalid/kubectl-istio-diag';

async function release(target: Target): Promise<Platform> {
  await buildBinary(target);
  const program = readFileSync(binaryPath(target));
  const { licence } = await runtimeFor(target.os === 'windows' ? hostTarget() : target);
  const others = [
    readFileSync('dist/THIRD-PARTY-LICENSES'),
    '\n',
    '-'.repeat(72),
    '\n\nNode.js\n\n',
    readFileSync(licence),
  ];
  const archive = await archiveOf([
    { name: programOf(target), body: program, mode: 0o755 },
    { name: 'LICENSE', body: readFileSync('LICENSE'), mode: 0o644 },
    { name: 'THIRD-PARTY-LICENSES', body: Buffer.from(others.join('')), mode: 0o644 },
  ]);
  const file = `kubectl-istio-diag-v${tool.version}-${target.name}.tar.gz`;
  writeFileSync(join('dist', file), archive);
  const megabytes = (size: number): string => `${(size / 1e6).toFixed(1)} MB`;
  process.stdout.write(
    `${target.name.padEnd(13)} ${megabytes(program.length).padStart(9)}  ${file} ${megabytes(archive.length)}\n`,
  );
  const sha256 = createHash('sha256').update(archive).digest('hex');
  return { os: target.os, arch: target.arch, archive: file, sha256, bin: programOf(target) };
}

function chosen(names: readonly string[]): readonly Target[] {
  const wanted = names.map((name) => (name === 'host' ? hostTarget().name : name));
  const unknown = wanted.find((name) => !TARGETS.some((target) => target.name === name));
  if (unknown !== undefined)
    throw new Error(`there is no target ${unknown}: ${TARGETS.map(({ name }) => name).join(', ')}`);
  return names.length === 0 ? TARGETS : TARGETS.filter(({ name }) => wanted.includes(name));
}

try {
  const { values } = parseArgs({
    options: { target: { type: 'string', multiple: true }, url: { type: 'string', default: NOWHERE } },
  });
  const targets = chosen(values.target ?? []);
  execFileSync(process.execPath, ['src/build/bundle.mjs'], { stdio: ['ignore', 2, 2] });
  mkdirSync('dist/manual', { recursive: true });
  for (const [name, text] of Object.entries(await manual())) writeFileSync(join('dist/manual', name), text);
  const platforms: Platform[] = [];
  for (const target of targets) platforms.push(await release(target));
  const template = readFileSync('krew-manifest.yaml', 'utf8');
  writeFileSync(
    'dist/krew-manifest.yaml',
    manifestText(template, tool.version, values.url.replace(/\/+$/, ''), platforms),
  );
  if (values.url === NOWHERE)
    process.stdout.write(`dist/krew-manifest.yaml names ${NOWHERE}: give --url to publish it\n`);
} catch (error) {
  process.stderr.write(`error: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
