import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { trimmedTargets } from '../../src/cluster/bundle/trim-targets.ts';
import { hiding } from '../../src/cluster/ways/hiding.ts';

async function* inChunks(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const TARGETS = 'http://h/api/v1/targets?state=active';

const trimmed = (text: string, size: number, url = TARGETS, status = 200): Promise<string> =>
  textOf(trimmedTargets({ ask: 'url', url }, { status, contentType: '', body: inChunks(text, size) }).body);

const SIZES = [1, 2, 3, 7, 64, 100_000];

describe('targets, cut down as they come in', () => {
  const kept = {
    scrapePool: 'p',
    scrapeUrl: 'http://a/é{}"\\',
    health: 'down',
    lastError: 'a "quoted" [word]',
    labels: { job: 'j', instance: 'i', pod: 'x' },
    discoveredLabels: { __address__: 'a:1', __meta_kubernetes_pod_ip: '1.2.3.4' },
  };
  const target = {
    ...kept,
    globalUrl: 'secret',
    labels: { ...kept.labels, owner: 'secret' },
    discoveredLabels: { ...kept.discoveredLabels, __meta_kubernetes_pod_annotation_x: 'secret' },
  };
  const document = (active: readonly unknown[], dropped: readonly unknown[]): string =>
    JSON.stringify({ status: 'success', data: { activeTargets: active, droppedTargets: dropped }, warnings: ['w'] });

  for (const size of SIZES) {
    it(`keep what is read of them, in chunks of ${size}`, async () => {
      const text = await trimmed(document([target, {}, target], [target]), size);
      const nothing = { labels: {}, discoveredLabels: {} };
      assert.deepEqual(JSON.parse(text), JSON.parse(document([kept, nothing, kept], [{}])));
      assert.ok(!text.includes('secret'));
    });

    it(`pass where they are none, in chunks of ${size}`, async () => {
      const others = [
        '<html>{"a":{"b":[{}]}}',
        '{"status":"error","error":"x"}',
        '[]',
        'null',
        '',
        '{"data":{"x":[1,2]}}',
      ];
      for (const text of others) assert.equal(await trimmed(text, size), text);
    });

    it(`stay broken where they are, in chunks of ${size}`, async () => {
      for (const text of [document([target], []).slice(0, -60), '{"data":{"activeTargets":[{"a":}]}}']) {
        const broken = await trimmed(text, size);
        assert.throws(() => JSON.parse(broken), broken);
      }
    });
  }

  it('are those of a good answer to this question alone', async () => {
    const text = document([target], []);
    assert.equal(await trimmed(text, 9, 'http://h/api/v1/query?query=up'), text);
    assert.equal(await trimmed(text, 9, TARGETS, 500), text);
  });
});

describe('what a server repeats of a login', () => {
  for (const size of SIZES) {
    it(`is hidden, in chunks of ${size}`, async () => {
      const text = 'a token1234 b token12 c token1234token1234 é tenant token123';
      const hidden = await textOf(hiding(inChunks(text, size), ['token1234', 'tenant']));
      assert.equal(hidden, 'a REDACTED b token12 c REDACTEDREDACTED é REDACTED token123');
      assert.equal(await textOf(hiding(inChunks(text, size), [])), text);
      const nested = 'team-abc, team, a.c aXc steam';
      for (const values of [
        ['team', 'team-abc', 'a.c'],
        ['a.c', 'team-abc', 'team'],
      ])
        assert.equal(
          await textOf(hiding(inChunks(nested, size), values)),
          'REDACTED, REDACTED, REDACTED aXc sREDACTED',
        );
    });
  }
});
