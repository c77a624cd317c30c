import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Answer, KubernetesObject } from '../../src/cluster/question/cluster.ts';
import type { ListQuestion } from '../../src/cluster/question/question.ts';
import { pods } from '../../src/cluster/question/resources.ts';
import { unanswered } from '../../src/cluster/question/text.ts';
import { once } from '../../src/cluster/ways/http.ts';
import { JsonSplitter } from '../../src/cluster/ways/json-splitter.ts';
import { readList } from '../../src/cluster/ways/list.ts';
import { Pool } from '../../src/cluster/ways/pool.ts';
import { NoAnswer } from '../../src/errors.ts';
import { enveloped, field } from '../support/protobuf.ts';

const question: ListQuestion = { ask: 'list', resource: pods, namespace: null };

/** What makes a string hard to find the end of, and text that looks like what is cut out. */
const HARD = ['', '"', '\\', '\\"', '{', '[]}', 'ü\n', '"managedFields":[', '\\\\"managedFields":[{"', '\u2028'];

const objectOf = (number: number): object => ({
  metadata: {
    name: `web-${number}`,
    [HARD[number % HARD.length] ?? '']: HARD,
    managedFields: [{ manager: HARD[number % HARD.length], fieldsV1: { 'f:metadata': { 'k:{"a":"b"}': [[], {}] } } }],
    generation: number,
  },
  spec: { managedFields: HARD[number % HARD.length], list: [{ managedFields: [number] }] },
});

const withoutFields = (object: object): unknown =>
  JSON.parse(JSON.stringify(object), (name, value) => (name === 'managedFields' && Array.isArray(value) ? [] : value));

describe('a document that is cut into its entries', () => {
  const objects = Array.from({ length: 20 }, (_, number) => objectOf(number));
  const document = { kind: 'PodList', metadata: { continue: 'x' }, items: objects, end: ['{', 1] };
  const bytes = Buffer.from(JSON.stringify(document));
  for (const size of [1, 2, 3, 7, 64, 1000, bytes.length]) {
    it(`is whole, in chunks of ${size} bytes`, () => {
      for (const without of [undefined, 'managedFields']) {
        const entries: unknown[] = [];
        const rest: Buffer[] = [];
        const splitter = new JsonSplitter({
          depth: 3,
          onEntry: (list, entry) => entries.push([list, JSON.parse(entry)]),
          onRest: (part) => rest.push(Buffer.from(part)),
          ...(without && { without }),
        });
        for (let at = 0; at < bytes.length; at += size) splitter.push(bytes.subarray(at, at + size));
        assert.ok(splitter.isWhole('items'));
        assert.deepEqual(JSON.parse(Buffer.concat(rest).toString()), { ...document, items: objects.map(() => 0) });
        // A name that is in two chunks is not seen: then the list stays.
        const isSeen = without !== undefined && size === bytes.length;
        const clean = (each: object): unknown => (without === undefined ? each : withoutFields(each));
        if (isSeen) assert.ok(!JSON.stringify(entries).includes('f:metadata'));
        assert.deepEqual(
          (entries as [string, object][]).map(([list, entry]) => [list, clean(entry)]),
          objects.map((each) => ['items', clean(each)]),
        );
      }
    });
  }
});

/** Pods of two workloads, as the API server writes them. */
const podsFrom = (first: number, count: number): object[] =>
  Array.from({ length: count }, (_, index) => ({
    metadata: { name: `web-${first + index}`, namespace: 'shop', labels: { app: `web-${(first + index) % 2}` } },
    spec: { containers: [{ name: 'web', image: `web:${(first + index) % 2}`, args: ['--name', `${first + index}`] }] },
    status: { phase: 'Running', podIP: `10.0.0.${first + index}` },
  }));

const answerOf = (body: AsyncIterable<Buffer>): Answer => ({ status: 200, contentType: 'application/json', body });

const pageText = (metadata: object, items: readonly object[]): string =>
  JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata, items });

describe('a list', () => {
  const PAGES = ['', 'two', 'three'];
  const metadataOf = (index: number): object => (PAGES[index + 1] ? { continue: PAGES[index + 1] } : {});
  const indexOf = (path: string): number =>
    PAGES.indexOf(new URLSearchParams(path.replace(/^.*\?/, '')).get('continue') ?? '');

  it('is all its pages, and asks for the next one while it reads one', async () => {
    const steps: string[] = [];
    const noted: KubernetesObject[] = [];
    const ask = async (path: string): Promise<Answer> => {
      const index = indexOf(path);
      steps.push(`ask ${index}`);
      const text = Buffer.from(pageText(metadataOf(index), podsFrom(index * 10, 10)));
      async function* body(): AsyncGenerator<Buffer> {
        for (let at = 0; at < text.length; at += 500) yield text.subarray(at, at + 500);
        steps.push(`end ${index}`);
      }
      return answerOf(body());
    };
    const list = await readList(question, ask, (items) => noted.push(...items));
    assert.deepEqual(steps, ['ask 0', 'ask 1', 'end 0', 'ask 2', 'end 1', 'end 2']);
    assert.deepEqual(
      list.map(({ metadata }) => metadata.name),
      Array.from({ length: 30 }, (_, number) => `web-${number}`),
    );
    assert.deepEqual(noted, list);
    assert.deepEqual(list[7], {
      ...podsFrom(7, 1)[0],
      status: { phase: 'Running', podIP: '10.0.0.7', conditions: [], containerStatuses: [] },
    });
  });

  it('may be written in Protocol Buffers, page by page', async () => {
    const podBytes = (name: string) =>
      field(2, field(1, [...field(1, name), ...field(11, [...field(1, 'a'), ...field(2, 'b')])]));
    const ask = async (path: string): Promise<Answer> => {
      const index = indexOf(path);
      const next = PAGES[index + 1] ?? '';
      const page = enveloped([...field(1, field(3, next)), ...podBytes(`web-${index}`)]);
      return { ...answerOf(once(page)), contentType: 'application/vnd.kubernetes.protobuf' };
    };
    const list = await readList(question, ask);
    assert.deepEqual(
      list.map(({ metadata }) => metadata),
      PAGES.map((_, index) => ({ name: `web-${index}`, labels: { a: 'b' } })),
    );
    assert.equal(list[0]?.metadata.labels, list[2]?.metadata.labels);
    const cut = async (): Promise<Answer> => {
      const { body, ...rest } = await ask('?continue=');
      const bytes: Buffer[] = [];
      for await (const part of body) bytes.push(part);
      return { ...rest, body: once(Buffer.concat(bytes).subarray(0, 40)) };
    };
    await assert.rejects(readList(question, cut), /the list is not whole: it breaks off/);
  });

  it('has the next page told behind the objects too', async () => {
    const ask = async (path: string): Promise<Answer> => {
      const index = indexOf(path);
      const text = JSON.stringify({ items: podsFrom(index * 10, 10), metadata: metadataOf(index) });
      async function* body(): AsyncGenerator<Buffer> {
        yield Buffer.from(text);
      }
      return answerOf(body());
    };
    assert.equal((await readList(question, ask)).length, 30);
  });

  it('that breaks off lets go of the page that it has asked for', async () => {
    let letGo = false;
    const ask = async (path: string): Promise<Answer> => {
      const index = indexOf(path);
      async function* body(): AsyncGenerator<Buffer> {
        try {
          yield Buffer.from(pageText(metadataOf(index), podsFrom(index * 10, 10)));
          if (index === 0) throw unanswered(question, 'TimedOut', 'no answer within 10s');
        } finally {
          letGo ||= index === 1;
        }
      }
      return answerOf(body());
    };
    await assert.rejects(readList(question, ask), (error) => {
      assert.ok(error instanceof NoAnswer);
      return error.unanswered.hindrance === 'TimedOut';
    });
    await new Promise(setImmediate);
    assert.ok(letGo);
  });

  it('whose pages begin where earlier ones did is given up', async () => {
    for (const tokens of [['two'], ['two', 'three']]) {
      let asked = 0;
      const ask = async (): Promise<Answer> => {
        const next = tokens[asked % tokens.length];
        assert.ok(asked++ < 5, 'it is asked for ever');
        async function* body(): AsyncGenerator<Buffer> {
          yield Buffer.from(pageText({ continue: next }, podsFrom(0, 10)));
        }
        return answerOf(body());
      };
      await assert.rejects(readList(question, ask), (error) => {
        assert.ok(error instanceof NoAnswer);
        return error.unanswered.hindrance === 'BadAnswer' && /does not end/.test(error.unanswered.words);
      });
      assert.equal(asked, tokens.length + 1);
    }
  });

  it('that grows too old is read again, from the start', async () => {
    let expired = 0;
    const ask = async (path: string): Promise<Answer> => {
      const index = indexOf(path);
      if (index === 2 && expired++ === 0)
        throw unanswered(question, 'BadAnswer', 'The provided continue parameter is too old');
      async function* body(): AsyncGenerator<Buffer> {
        yield Buffer.from(pageText(metadataOf(index), podsFrom(index * 10, 10)));
      }
      return answerOf(body());
    };
    assert.equal((await readList(question, ask)).length, 30);
    assert.equal(expired, 2);
  });
});

describe('objects in a pool', () => {
  it('stay what they were, and share what is equal', () => {
    const pool = new Pool();
    const [first, second, third] = podsFrom(0, 3) as [KubernetesObject, KubernetesObject, KubernetesObject];
    const before = structuredClone([first, second, third]);
    for (const each of [first, second, third]) pool.share(each);
    assert.deepEqual([first, second, third], before);
    assert.equal(first.metadata.labels, third.metadata.labels);
    assert.notEqual(first.metadata.labels, second.metadata.labels);
  });

  it('may be nested deeper than can be written', () => {
    const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
    const object: KubernetesObject = { metadata: { name: 'deep' }, spec: { deep } };
    new Pool().share(object);
    assert.equal((object.spec as { deep: unknown }).deep, deep);
  });
});
