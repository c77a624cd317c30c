import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const root = join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

describe('the licences beside the bundle', () => {
  execFileSync(process.execPath, ['src/build/bundle.mjs'], { cwd: root });
  const outputs = JSON.parse(read('dist/inputs.json')) as Record<string, { inputs: Record<string, unknown> }>;
  const files = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs));
  const texts = read('dist/THIRD-PARTY-LICENSES').split(/^-{72}$/m);
  const named = new Map(texts.map((text) => [text.trim().split('\n')[0] ?? '', text]));
  // Read from the end: a package may lie in another's folder.
  const folders = new Set(files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? []));
  const packages = [...folders].map((folder) => {
    const { name, version } = JSON.parse(read(`${folder}/package.json`)) as { name: string; version: string };
    return `${name} ${version}`;
  });

  it('name every package that has code in it', () => {
    assert.ok(packages.length > 20);
    assert.deepEqual(
      packages.filter((each) => !named.has(each)),
      [],
    );
  });

  it('are those of the packages that the code says it comes from', () => {
    const program = readdirSync(join(root, 'dist/program')).map((file) => `dist/program/${file}`);
    const said = ['dist/main.cjs', ...program].flatMap((file) =>
      [...read(file).matchAll(/^\/\/!? (.*node_modules\/(?:@[^/\n]+\/)?[^/\n]+)\//gm)].map(
        ([, folder]) => folder ?? '',
      ),
    );
    assert.ok(said.length > 20);
    assert.deepEqual(
      said.filter((folder) => !folders.has(folder)),
      [],
    );
  });

  it('say whose each is, in its own words', () => {
    const bare = [...named].filter(([, text]) => !/copyright|apache license|permission is hereby granted/i.test(text));
    assert.deepEqual(
      bare.map(([name]) => name),
      [],
    );
  });
});

describe('what every start reads', () => {
  interface Output {
    imports: { path: string; kind: string }[];
    inputs: Record<string, unknown>;
  }
  const outputs = JSON.parse(read('dist/inputs.json')) as Record<string, Output>;
  const met = new Set<string>();
  const meet = (file: string): void => {
    const output = outputs[file];
    if (output === undefined || met.has(file)) return;
    met.add(file);
    for (const { path, kind } of output.imports) if (kind === 'import-statement') meet(path);
  };

  it('holds no package but the one that knows words that are near', () => {
    meet('dist/program/cli.cjs');
    const inputs = [...met].flatMap((file) => Object.keys(outputs[file]?.inputs ?? {}));
    assert.ok(inputs.includes('src/cli.ts'));
    const packages = inputs.flatMap((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []);
    assert.deepEqual([...new Set(packages)], ['fastest-levenshtein']);
  });
});
