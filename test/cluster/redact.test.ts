import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { redact, redactLines, redactWhole } from '../../src/cluster/redact.ts';

async function* chunks(...texts: readonly string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

async function collected(body: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of body) text += chunk.toString('utf8');
  return text;
}

const PEM = '-----BEGIN CERTIFICATE-----\nMIIDhDCCAmygAwIBAgIJ\n-----END CERTIFICATE-----';
const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl';

describe('redaction', () => {
  const cases: readonly [string, string][] = [
    [`ca: ${PEM} end`, 'ca: REDACTED end'],
    [`key: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t`, 'key: REDACTED'],
    [`Authorization: Bearer abcdefgh12345678`, 'Authorization: Bearer REDACTED'],
    [`token ${JWT}`, 'token REDACTED'],
    ['password: hunter2', 'password: REDACTED'],
    ['{"password":"hunter2","x":1}', '{"password":"REDACTED","x":1}'],
    ['bearer_token: s3cr3t-value', 'bearer_token: REDACTED'],
    ['user=alice@example.com did', 'user=REDACTED did'],
    ['{"api_key": 12345, "y":2}', '{"api_key": 12345, "y":2}'],
    ['destination_app="reviews"', 'destination_app="reviews"'],
    ['root@71a9470ea93c-docker.io/istio-1.0.6-abc-Clean', 'REDACTED/istio-1.0.6-abc-Clean'],
  ];
  for (const [before, after] of cases) {
    it(`turns ${JSON.stringify(before.slice(0, 40))} into ${JSON.stringify(after.slice(0, 40))}`, () => {
      assert.equal(redact(before), after);
    });
  }

  it('keeps JSON valid', () => {
    const object = { password: 'a"b', token: JWT, mail: 'a@b.io', nested: { client_secret: 'x y' } };
    const text = redact(JSON.stringify(object));
    assert.doesNotThrow(() => JSON.parse(text) as unknown);
    assert.ok(!text.includes(JWT) && !text.includes('a@b.io'));
  });

  it('sees a secret that two chunks share', async () => {
    assert.equal(
      await collected(redactLines(chunks('x{user="alice@exa', 'mple.com"} 1\n', 'y 1'))),
      'x{user="REDACTED"} 1\ny 1',
    );
    assert.equal(await collected(redactWhole(chunks(PEM.slice(0, 40), PEM.slice(40)))), 'REDACTED');
  });

  it('leaves bytes above 0x7f as they are', async () => {
    assert.equal(await collected(redactLines(chunks('x{a="grün"} 1\n'))), 'x{a="grün"} 1\n');
  });
});
