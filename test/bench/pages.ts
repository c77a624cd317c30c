import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Reads pages of 1, 10 and 100 MB: ours, the npm package parse-prometheus-text-format, the real prom2json and promtool,
 * each as a process of its own, in turn. Prints seconds, MB/s and peak memory, and how many times faster we are.
 * Rivals that are not installed are left out, and said so. Nothing is asserted: machines differ.
 */
const root = join(import.meta.dirname, '../..');
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const SIZES = (process.env.SIZES ?? '1,10,100').split(',').map(Number);
const folder = mkdtempSync(join(tmpdir(), 'bench-'));

/** A page as a proxy writes it: cluster counters, histograms, istio_* with many labels; istio_requests_total is 4 %. */
function page(megabytes: number): string {
  const labels = (i: number): string =>
    `reporter="source",source_workload="app-${i}",source_workload_namespace="ns-${i % 40}",source_principal="spiffe://cluster.local/ns/ns-${i % 40}/sa/default",source_app="app-${i}",source_version="v1",destination_workload="svc-${i % 97}",destination_workload_namespace="ns-${i % 31}",destination_service="svc-${i % 97}.ns-${i % 31}.svc.cluster.local",destination_service_name="svc-${i % 97}",request_protocol="http",response_code="200",response_flags="-",connection_security_policy="unknown"`;
  const chunks: string[] = [];
  let size = 0;
  const add = (text: string): void => {
    chunks.push(text);
    size += text.length;
  };
  const target = megabytes * 1_000_000;
  add('# TYPE envoy_cluster_upstream_rq_total counter\n');
  for (let i = 0; size < target * 0.64; i++)
    add(`envoy_cluster_upstream_rq_total{envoy_cluster_name="outbound|9080||svc-${i}.ns.svc.cluster.local"} ${i}\n`);
  add('# TYPE istio_requests_total counter\n');
  for (let i = 0; size < target * 0.68; i++) add(`istio_requests_total{${labels(i)}} ${i}\n`);
  add('# TYPE istio_request_duration_milliseconds histogram\n');
  for (let i = 0; size < target; i++) {
    for (const le of ['0.5', '1', '5', '10', '25', '50', '100', '250', '500', '1000', '+Inf'])
      add(`istio_request_duration_milliseconds_bucket{${labels(i)},le="${le}"} ${i}\n`);
    add(
      `istio_request_duration_milliseconds_sum{${labels(i)}} ${i}\nistio_request_duration_milliseconds_count{${labels(i)}} ${i}\n`,
    );
  }
  return chunks.join('');
}

/** Reads a file in a process of its own: all families as prom2json's JSON, or one; as `metrics` does with `strictly`. */
const OURS = `
import { createReadStream } from 'node:fs';
import { judgeOf } from '${root}/src/prometheus/judges.ts';
import { readPage } from '${root}/src/prometheus/page-reader.ts';
import { Prom2json } from '${root}/src/prometheus/prom2json.ts';
const [, , file, how, only] = process.argv;
const json = new Prom2json();
let kept = 0;
await readPage(createReadStream(file, { highWaterMark: 262144 }), (name) => !only || name === only, only ? () => kept++ : json.add, how === 'strictly' ? judgeOf('') : null);
if (!only) process.stdout.write(JSON.stringify(json.families()));
`;
const THEIRS = `
const { readFileSync } = require('node:fs');
const parse = require(${JSON.stringify(createRequire(import.meta.url).resolve('parse-prometheus-text-format'))});
process.stdout.write(JSON.stringify((parse.default ?? parse)(readFileSync(process.argv[2], 'utf8'))));
`;

interface Run {
  seconds: number;
  megabytes: number;
}

/** GNU time's wall seconds and peak memory; the program's own output is thrown away. */
function timed(command: readonly string[], stdin?: string): Run | null {
  const quoted = command.map((word) => `'${word}'`).join(' ');
  const script = `exec /usr/bin/time -f '%e %M' -o ${folder}/time ${quoted} ${stdin ? `< ${stdin}` : ''} > /dev/null 2> /dev/null`;
  const { status } = spawnSync('sh', ['-c', script]);
  if (status !== 0 && status !== 3) return null;
  const [seconds = '0', kilobytes = '0'] = spawnSync('tail', ['-1', join(folder, 'time')])
    .stdout.toString()
    .trim()
    .split(' ');
  return { seconds: Number(seconds), megabytes: Number(kilobytes) / 1024 };
}

const ours = (...args: readonly string[]): Run | null => timed([process.execPath, join(folder, 'ours.mjs'), ...args]);

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

const print = (text: string): boolean => process.stdout.write(`${text}\n`);
const { build } = await import('esbuild');
writeFileSync(join(folder, 'ours.mts'), OURS);
await build({
  entryPoints: [join(folder, 'ours.mts')],
  outfile: join(folder, 'ours.mjs'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'silent',
});
writeFileSync(join(folder, 'theirs.cjs'), THEIRS);

for (const size of SIZES) {
  const file = join(folder, `${size}.txt`);
  writeFileSync(file, page(size));
  const rivals: Record<string, () => Run | null> = {
    'ours, one family': () => ours(file, 'plainly', 'istio_requests_total'),
    'ours, one family, strictly': () => ours(file, 'strictly', 'istio_requests_total'),
    'ours, all as JSON': () => ours(file, 'plainly'),
    'ours, all as JSON, strictly': () => ours(file, 'strictly'),
    'parse-prometheus-text-format': () => timed([process.execPath, join(folder, 'theirs.cjs'), file]),
    prom2json: () => timed(['prom2json', file]),
    'promtool check metrics': () => timed(['promtool', 'check', 'metrics'], file),
  };
  const runs = new Map<string, Run[]>();
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, run] of Object.entries(rivals)) {
      const result = run();
      // The first round warms the caches.
      if (result && round > 0) runs.set(name, [...(runs.get(name) ?? []), result]);
    }
  }
  print(`\n${size} MB, median of ${ROUNDS} rounds in turn`);
  const rival = median((runs.get('parse-prometheus-text-format') ?? []).map(({ seconds }) => seconds));
  for (const name of Object.keys(rivals)) {
    const all = runs.get(name);
    if (!all) {
      print(`  ${name.padEnd(30)} left out: not installed, or it does not take the page`);
      continue;
    }
    const seconds = median(all.map((run) => run.seconds));
    const memory = median(all.map((run) => run.megabytes));
    print(
      `  ${name.padEnd(30)} ${seconds.toFixed(2).padStart(6)} s ${(size / seconds).toFixed(0).padStart(5)} MB/s ${memory.toFixed(0).padStart(5)} MB peak  ${(rival / seconds).toFixed(1).padStart(5)} x parse-prometheus-text-format`,
    );
  }
}
rmSync(folder, { recursive: true });
