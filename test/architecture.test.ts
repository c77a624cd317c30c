import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { describe, it } from 'node:test';
import type { Source } from '../src/diagnosis/check.ts';
import { topics } from '../src/guide/index.ts';

const src = new URL('../src/', import.meta.url);
const files = readdirSync(src, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.ts'))
  .sort();
const textOf = (file: string): string => readFileSync(new URL(file, src), 'utf8');
const folderOf = (path: string): string => (path.includes('/') ? path.slice(0, path.indexOf('/')) : path);

/** What each folder of src/ may import besides itself. Reading this is reading the architecture. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  cluster: ['errors.ts', 'rights.ts', 'execa', 'js-yaml', 'tar-stream', 'ws', 'node:'],
  prometheus: [],
  diagnosis: ['cluster', 'errors.ts', 'rights.ts'],
  istio: [],
  scraping: ['istio/selector.ts'],
  evidence: ['diagnosis', 'cluster', 'prometheus', 'istio', 'scraping', 'errors.ts'],
  guide: ['diagnosis', 'evidence', 'istio', 'scraping', 'errors.ts', 'cluster/question/shell.ts'],
  report: ['diagnosis', 'errors.ts', 'cli-table3', 'js-yaml'],
  commands: [
    'cluster',
    'diagnosis',
    'evidence',
    'guide',
    'istio',
    'prometheus',
    'report',
    'errors.ts',
    'version.ts',
    'cli-table3',
    'js-yaml',
    'diff',
    'fastest-levenshtein',
    'yargs',
    'node:',
  ],
};

const importsOf = (file: string): readonly string[] =>
  [...textOf(file).matchAll(/(?: from |import\()'([^']+)'/g)].map(([, from = '']) =>
    from.startsWith('.') ? relative(src.pathname, new URL(from, new URL(file, src)).pathname) : from,
  );

/** The files of a circle of imports, the first of them at its end again; none where there is no circle. */
function circleIn(imports: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const done = new Set<string>();
  const from = (file: string, way: readonly string[]): readonly string[] => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const target of imports.get(file) ?? []) {
      const circle = from(target, [...way, file]);
      if (circle.length > 0) return circle;
    }
    done.add(file);
    return [];
  };
  for (const file of imports.keys()) {
    const circle = from(file, []);
    if (circle.length > 0) return circle;
  }
  return [];
}

describe('the architecture', () => {
  for (const [folder, allowed] of Object.entries(MAY_IMPORT)) {
    it(`src/${folder} imports nothing but ${allowed.join(', ') || 'itself'}`, () => {
      for (const file of files.filter((name) => folderOf(name) === folder)) {
        for (const target of importsOf(file)) {
          const known = [folder, ...allowed].some(
            (each) => target === each || folderOf(target) === each || (each === 'node:' && target.startsWith(each)),
          );
          assert.ok(known, `${file} imports ${target}`);
        }
      }
    });
  }

  it('has no circle of imports, not even of types', () => {
    const circle = circleIn(new Map(files.map((file) => [file, importsOf(file)])));
    assert.equal(circle.length, 0, circle.join(' imports '));
  });

  it('has no source file longer than 300 lines', () => {
    for (const file of files) assert.ok(textOf(file).split('\n').length <= 300, file);
  });

  it('shares about the store what is of no walk alone', () => {
    const walks = /^guide\/missing-metrics\/(mixer|sidecar|ambient)\//;
    for (const file of files.filter((name) => name.startsWith('guide/missing-metrics/prometheus/')))
      for (const target of importsOf(file)) assert.ok(!walks.test(target), `${file} imports ${target}`);
  });

  it('asks the cluster in evidence only: no judge is handed one', () => {
    for (const file of files.filter((name) => folderOf(name) === 'guide')) {
      assert.ok(!/cluster\.(list|read)\(/.test(textOf(file)), file);
    }
  });
});

describe('the guide', async () => {
  const guide = await topics();
  const walks = guide.flatMap((topic) => Object.values(topic.walks));
  const steps = walks.flatMap(({ steps }) => steps);
  const checks = [...new Set(steps.flatMap((step) => step.checks))];

  it('has kebab-case ids, each for one thing', () => {
    // Two walks may have one check.
    const ids = [...new Map(checks.map(({ id, explains }) => [`${id}: ${explains}`, id])).values()];
    for (const id of [...ids, ...steps.map(({ id }) => id)]) assert.match(id, /^[a-z0-9]+(-[a-z0-9]+)*$/);
    assert.deepEqual(ids, [...new Set(ids)]);
  });

  it('has the contract’s steps in the guide’s order', () => {
    const ids = guide[0]?.walks.mixer.steps.map(({ id }) => id);
    assert.deepEqual(ids, [
      'report-calls',
      'rules',
      'prometheus-handler',
      'metric-instances',
      'config-errors',
      'config-resolution',
      'dispatches',
      'prometheus-scrape',
    ]);
  });

  it('explains every check, with reasons in CamelCase', () => {
    for (const { id, explains, reasons } of checks) {
      assert.ok(explains.endsWith('.') && explains.length > 40, id);
      for (const [reason, means] of Object.entries(reasons)) {
        assert.match(reason, /^([A-Z][a-z]+)+$/);
        assert.ok(means.endsWith('.'), `${id}: ${reason}`);
      }
    }
  });

  it('declares the rights of all that its checks need: `rbac` prints those', () => {
    const words = (sources: readonly Source<unknown>[]): readonly string[] =>
      sources.flatMap(({ rights }) => rights.map(({ verb, resource }) => `${verb} ${resource}`));
    for (const { id, walks, sources } of guide) {
      const declared = new Set(words(sources));
      for (const check of Object.values(walks).flatMap(({ steps }) => steps.flatMap(({ checks }) => checks)))
        assert.deepEqual(
          words(Object.values(check.needs)).filter((right) => !declared.has(right)),
          [],
          `${id}: ${check.id}`,
        );
    }
  });

  it('names a headline that is among the step’s checks', () => {
    for (const { id, headline, checks } of steps) {
      if (headline !== undefined)
        assert.ok(
          checks.some((check) => check.id === headline),
          id,
        );
    }
  });

  it('links to the documents of each release', () => {
    const docs = (version: string | null): string => guide[0]?.walks.mixer.steps[1]?.docs(version) ?? '';
    assert.equal(
      docs('0.8.0'),
      'https://archive.istio.io/v0.8/help/troubleshooting/#verify-mixer-metrics-configuration-exists',
    );
    assert.equal(
      docs('1.0.6'),
      'https://archive.istio.io/v1.0/help/ops/telemetry/missing-metrics/#verify-the-mixer-rules-exist',
    );
    assert.equal(
      docs('1.1.0'),
      'https://archive.istio.io/v1.1/help/ops/telemetry/missing-metrics/#verify-the-mixer-rules-exist',
    );
    assert.equal(
      docs('1.3.8'),
      'https://archive.istio.io/v1.3/docs/ops/telemetry/missing-metrics/#verify-the-mixer-rules-exist',
    );
    assert.match(docs('1.6.0'), /v1\.4\/docs\/ops\/common-problems\/observability-issues/);
    assert.match(docs(null), /^https:\/\/archive\.istio\.io\//);
  });
});
