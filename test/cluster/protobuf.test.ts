import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { messageOfA, refusalIn } from '../../src/cluster/ways/kubernetes-protobuf.ts';
import {
  always,
  decode,
  flag,
  inlined,
  map,
  message,
  messages,
  number,
  quantities,
  text,
  texts,
  time,
} from '../../src/cluster/ways/protobuf.ts';
import { ProtobufPage } from '../../src/cluster/ways/protobuf-page.ts';
import { enveloped, field, numbered, varint } from '../support/protobuf.ts';

describe('a message of Protocol Buffers', () => {
  const NUMBERS = [
    0n,
    1n,
    127n,
    128n,
    300n,
    2n ** 28n,
    2n ** 31n - 1n,
    2n ** 31n,
    2n ** 32n,
    2n ** 35n + 5n,
    2n ** 53n - 1n,
  ];
  for (const value of [...NUMBERS, -1n, -137n, -(2n ** 31n), -(2n ** 40n)])
    it(`has the number ${value}`, () => {
      assert.deepEqual(decode({ 1: always(number('n')) }, Buffer.from(numbered(1, value))), { n: Number(value) });
    });

  it('is what its JSON is', () => {
    const of = {
      1: text('name'),
      2: texts('args'),
      3: flag('on'),
      4: map('labels'),
      5: quantities('limits'),
      6: time('at'),
      7: messages('ports', { 1: number('port') }),
      8: inlined({ 19: message('configMap', { 1: inlined({ 1: text('name') }) }) }),
      20: time('never'),
    };
    const bytes = [
      ...field(1, 'hé'),
      ...field(2, 'a'),
      ...field(2, ''),
      ...numbered(3, 1),
      ...field(4, [...field(1, 'k'), ...field(2, 'v')]),
      ...field(4, field(1, 'empty')),
      ...field(5, [...field(1, 'cpu'), ...field(2, field(1, '500m'))]),
      ...field(6, numbered(1, 1_790_000_000)),
      ...field(7, numbered(1, 80)),
      ...field(7, []),
      ...field(8, field(19, field(1, field(1, 'c')))),
      ...field(20, []),
    ];
    assert.deepEqual(decode(of, Buffer.from(bytes)), {
      name: 'hé',
      args: ['a', ''],
      on: true,
      labels: { k: 'v', empty: '' },
      limits: { cpu: '500m' },
      at: '2026-09-21T14:13:20Z',
      ports: [{ port: 80 }, {}],
      configMap: { name: 'c' },
      never: null,
    });
  });

  it('leaves out what is empty, unless that is written always', () => {
    const empty = Buffer.from([...field(1, ''), ...numbered(2, 0), ...numbered(3, 0)]);
    const of = { 1: text('name'), 2: number('count'), 3: flag('ready') };
    assert.deepEqual(decode(of, empty), {});
    const said = Object.fromEntries(Object.entries(of).map(([key, each]) => [key, always(each)]));
    assert.deepEqual(decode(said, empty), { name: '', count: 0, ready: false });
  });

  it('passes over what it does not read, of whatever type', () => {
    const bytes = [
      ...numbered(9, 2n ** 60n),
      ...varint((10 << 3) | 1),
      ...Array.from({ length: 8 }, (_, byte) => byte),
      ...varint((11 << 3) | 5),
      ...Array.from({ length: 4 }, (_, byte) => byte),
      ...field(12, [0xff, 0xff, 0xff]),
      ...field(1, 'web'),
    ];
    assert.deepEqual(decode({ 1: text('name') }, Buffer.from(bytes)), { name: 'web' });
  });

  for (const [what, bytes] of Object.entries({
    'is cut off': field(1, 'web').slice(0, -1),
    'holds a longer one than itself': field(2, [0x0a, 0x7f]),
    'has a number without an end': Array.from({ length: 12 }, () => 0xff),
    'has a value of no known type': [(1 << 3) | 3],
  }))
    it(`is none where it ${what}`, () => {
      assert.throws(
        () => decode({ 1: text('name'), 2: message('m', { 1: text('n') }) }, Buffer.from(bytes)),
        RangeError,
      );
    });
});

describe('a page of a list in Protocol Buffers', () => {
  const POD = messageOfA('pods') ?? assert.fail('pods are read in Protocol Buffers');
  const podBytes = (name: string): number[] => field(2, field(1, [...field(1, name), ...field(3, 'shop')]));
  const names = ['', ...Array.from({ length: 30 }, (_, index) => `web-${index}`.repeat(index))];
  const page = enveloped([...field(1, field(3, 'next')), ...names.flatMap(podBytes)]);

  const read = (bytes: Buffer, size = bytes.length): { objects: unknown[]; next: string[] } => {
    const objects: unknown[] = [];
    const next: string[] = [];
    const reader = new ProtobufPage(POD, {
      onObject: (object) => objects.push(object),
      onNext: (where) => {
        assert.equal(objects.length, 0);
        next.push(where);
      },
    });
    for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
    reader.end();
    return { objects, next };
  };

  for (const size of [1, 2, 3, 7, 64, 1000, page.length])
    it(`is whole, in chunks of ${size} bytes`, () => {
      const { objects, next } = read(page, size);
      assert.deepEqual(next, ['next']);
      const named = (name: string) => ({ metadata: { ...(name && { name }), namespace: 'shop' } });
      assert.deepEqual(objects, names.map(named));
    });

  it('may hold nothing', () => {
    assert.deepEqual(read(enveloped([])), { objects: [], next: [] });
  });

  it('is none where it breaks off, wherever that is', () => {
    const end = page.length - field(3, '').length - field(4, '').length;
    for (let length = 0; length < end; length++) assert.throws(() => read(page.subarray(0, length)), Error);
    assert.equal(read(page.subarray(0, end)).objects.length, names.length);
  });

  it('is none where it is something else, or holds more than it says', () => {
    assert.throws(() => read(Buffer.from('{"kind":"PodList","items":[]}')), /does not begin as a list/);
    const short = enveloped(podBytes('web'));
    const lengthAt = short.indexOf(Buffer.from(field(2, podBytes('web')))) + 1;
    short[lengthAt] = (short[lengthAt] ?? 0) - 1;
    assert.throws(() => read(short), /longer than its list/);
  });

  it('is none where an object is no message, whatever follows it', () => {
    // A number that its object cuts off: more bytes would not make it whole.
    const broken = field(2, [0x08, 0xff]);
    const bad = enveloped([...podBytes('web'), ...broken, ...podBytes('last')]);
    for (const size of [1, 7, bad.length]) assert.throws(() => read(bad, size), RangeError);
  });

  it('ends where an object never does', () => {
    const reader = new ProtobufPage(POD, { onObject: () => assert.fail(), onNext: () => assert.fail() });
    reader.push(Buffer.from([...Buffer.from('k8s\0'), 0x12, ...varint(2 ** 40), 0x12, ...varint(2 ** 39)]));
    const chunk = Buffer.alloc(1024 * 1024);
    assert.throws(() => {
      for (let count = 0; count < 64; count++) reader.push(chunk);
    }, /larger than 16 MB/);
  });
});

it('what the API server says in place of an answer is read as JSON has it', () => {
  const said = enveloped([
    ...field(2, 'Failure'),
    ...field(3, 'pods is forbidden'),
    ...field(4, 'Forbidden'),
    ...numbered(6, 403),
  ]);
  assert.deepEqual(JSON.parse(refusalIn(said)), { kind: 'Status', message: 'pods is forbidden', reason: 'Forbidden' });
});
