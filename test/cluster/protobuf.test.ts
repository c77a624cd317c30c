import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubernetesObject } from '../../src/cluster/question/cluster.ts';
import { pods } from '../../src/cluster/question/resources.ts';
import { readListPage } from '../../src/cluster/ways/list-page.ts';
import { nextOf, PROTOBUF, readPods } from '../../src/cluster/ways/pods-protobuf.ts';
import { Pool } from '../../src/cluster/ways/pool.ts';
import { NoAnswer } from '../../src/errors.ts';

/** Bytes as an API server writes them, made by hand; test/e2e/pods-protobuf.e2e.ts has a real one's. */

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (let rest = BigInt.asUintN(64, value); ; rest >>= 7n) {
    if (rest < 0x80n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
}

type Value = string | number | Buffer;

/** A field: a text or a message by its length, a number by itself. */
const field = (number: number, value: Value): Buffer => {
  if (typeof value === 'number') return Buffer.concat([varint(BigInt(number << 3)), varint(BigInt(value))]);
  const bytes = Buffer.from(value);
  return Buffer.concat([varint(BigInt((number << 3) | 2)), varint(BigInt(bytes.length)), bytes]);
};
const message = (...fields: readonly (readonly [number, Value])[]): Buffer =>
  Buffer.concat(fields.map(([number, value]) => field(number, value)));

const listOf = (next: string, ...items: readonly Buffer[]): Buffer =>
  message([1, message([2, '77'], [3, next])], ...items.map((item) => [2, item] as const));
const answerOf = (list: Buffer): Buffer =>
  Buffer.concat([Buffer.from('k8s\0'), message([1, message([1, 'v1'], [2, 'PodList'])], [2, list], [3, ''], [4, ''])]);

const podOf = (
  name: string,
  more: readonly (readonly [number, Value])[] = [],
  status = message([1, 'Running']),
): Buffer =>
  message(
    [1, message([1, name], [3, 'shop'], [8, message([1, 1_764_000_000])], ...more)],
    [2, message([2, message([1, 'app'], [2, 'image'], [6, message([3, 80])])], [11, 1], [14, message([2, 0])])],
    [3, status],
  );

const read = (bytes: Buffer): readonly KubernetesObject[] => {
  const found: KubernetesObject[] = [];
  readPods(bytes, (pod) => found.push(pod));
  return found;
};

const LIMITED = { ask: 'list', resource: pods, namespace: null } as const;

/** A page that comes in pieces, and in which order what was told. */
async function paged(bytes: Buffer, size: number): Promise<{ names: readonly string[]; told: readonly string[] }> {
  const told: string[] = [];
  async function* body(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += size) {
      yield bytes.subarray(at, at + size);
      told.push('.');
    }
  }
  const answer = { status: 200, contentType: PROTOBUF, date: null, body: body() };
  const kept = await readListPage(LIMITED, answer, new Pool(), (next) => told.push(next));
  return { names: kept.map(({ metadata }) => metadata.name), told };
}

describe('a list in protobuf', () => {
  it('is read as its JSON would be', () => {
    const terminated = message([1, -1], [3, 'Error'], [5, Buffer.alloc(0)]);
    const status = message([1, 'Running'], [8, message([1, 'app'], [2, message([3, terminated])], [4, 0], [5, 0])]);
    assert.deepEqual(read(answerOf(listOf('', podOf('cart', [[11, message([1, 'app'], [2, 'cart'])]], status)))), [
      {
        metadata: {
          name: 'cart',
          namespace: 'shop',
          creationTimestamp: '2025-11-24T16:00:00Z',
          labels: { app: 'cart' },
        },
        spec: {
          containers: [{ name: 'app', image: 'image', ports: [{ containerPort: 80 }] }],
          hostNetwork: true,
          securityContext: { runAsUser: 0 },
        },
        status: {
          phase: 'Running',
          containerStatuses: [
            {
              name: 'app',
              state: { terminated: { exitCode: -1, reason: 'Error', startedAt: null } },
              ready: false,
              restartCount: 0,
            },
          ],
        },
      },
    ]);
    assert.deepEqual(read(answerOf(listOf(''))), []);
  });

  it('may hold what nobody here knows, written in any way', () => {
    const odd = Buffer.concat([
      Buffer.from([(99 << 3) | (1 & 0x7f) | 0x80, 0x06, ...Buffer.alloc(8)]),
      field(200, 'later'),
      field(201, 2 ** 40),
    ]);
    const [pod] = read(answerOf(listOf('', Buffer.concat([odd, podOf('cart')]))));
    assert.equal(pod?.metadata.name, 'cart');
  });

  it('may have a label of any name', () => {
    const label = (key: string): readonly [number, Value] => [11, message([1, key], [2, 'x'])];
    const [pod] = read(answerOf(listOf('', podOf('cart', [label('__proto__'), label('constructor')]))));
    assert.deepEqual(Object.entries(pod?.metadata.labels ?? {}), [
      ['__proto__', 'x'],
      ['constructor', 'x'],
    ]);
    assert.equal(({} as { x?: string }).x, undefined);
  });

  it('tells where the next page begins before it has come whole', async () => {
    const bytes = answerOf(listOf('NEXT', podOf('cart'), podOf('web')));
    assert.deepEqual(await paged(bytes, 64), {
      names: ['cart', 'web'],
      told: ['NEXT', ...Array.from({ length: Math.ceil(bytes.length / 64) }, () => '.')],
    });
    const slow = await paged(bytes, 5);
    assert.deepEqual([slow.names, slow.told.at(-1)], [['cart', 'web'], 'NEXT']);
    assert.deepEqual((await paged(answerOf(listOf('', podOf('cart'))), 1000)).told, ['.']);
    assert.equal(nextOf(bytes.subarray(0, 20)), null);
  });

  it('is no answer where it is cut off, wherever that is, or is something else', async () => {
    const bytes = answerOf(listOf('', podOf('cart', [[11, message([1, 'app'], [2, 'cart'])]])));
    // What follows the list itself says nothing of it.
    const end = bytes.length - message([3, ''], [4, '']).length;
    for (let length = 0; length < end; length++)
      assert.throws(() => read(bytes.subarray(0, length)), RangeError, `${length} of ${bytes.length} bytes`);
    for (const odd of [
      Buffer.from('{"kind":"PodList"}'),
      Buffer.concat([Buffer.from('k8s\0'), Buffer.alloc(40, 0xff)]),
      Buffer.concat([Buffer.from('k8s\0'), message([1, 'x'])]),
      answerOf(message([2, podOf('cart')])),
      answerOf(listOf('', message([1, 7]))),
      // A length below zero: it would be read for ever.
      answerOf(listOf('', Buffer.concat([Buffer.from([0x0a]), varint(-12n)]))),
      answerOf(listOf('', message([1, message([11, message([1, 'a'], [2, 3])])]))),
    ])
      await assert.rejects(
        paged(odd, 1000),
        (error) => error instanceof NoAnswer && error.unanswered.words.startsWith('the list is not whole protobuf: '),
      );
  });
});
