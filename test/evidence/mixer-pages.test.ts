import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Answer } from '../../src/cluster/cluster.ts';
import type { PageQuestion } from '../../src/cluster/question.ts';
import type { Ask } from '../../src/diagnosis/check.ts';
import { type Hindrance, NoAnswer } from '../../src/errors.ts';
import { type MixerPages, mixerPages } from '../../src/evidence/mixer/pages.ts';
import { mixer } from '../../src/evidence/mixer/pods.ts';
import { plane } from '../support/judging.ts';
import { missing, pod } from '../support/mixer.ts';
import { loadRecording } from '../support/recordings.ts';

const MIXER = 'istio-system/istio-telemetry-gb257cd5hf-43880';
const recorded = loadRecording('istio-1.0.6/healthy').pages;

/** What a port answers, question after question: its page, or why there is none. */
type Script = Record<number, readonly ('page' | Hindrance)[]>;

/** The pages of one pod whose ports answer so, and the ports in the order in which they were asked. */
async function read(script: Script): Promise<{ pages: MixerPages; asked: number[] }> {
  const asked: number[] = [];
  const one = (question: PageQuestion): Promise<Answer> => {
    const answers = script[question.port] ?? [];
    const answer = answers[Math.min(asked.filter((port) => port === question.port).length, answers.length - 1)];
    asked.push(question.port);
    if (answer !== 'page') return Promise.reject(new NoAnswer(missing(answer)));
    const body = Buffer.from(recorded.get(`${MIXER}:${question.port}/metrics`)?.body ?? '');
    const whole = (async function* () {
      yield body;
    })();
    return Promise.resolve({ status: 200, contentType: 'text/plain', body: whole });
  };
  const ask = {
    cluster: { read: one },
    plane,
    scope: { window: 0 },
    from: (source: unknown) => Promise.resolve(source === mixer ? { pods: [pod()] } : null),
  } as unknown as Ask;
  const [pages] = await mixerPages.gather(ask);
  return { pages: pages as MixerPages, asked };
}

describe('the two pages of a Mixer', () => {
  it('are asked at once, each once', async () => {
    const { pages, asked } = await read({ 9093: ['page'], 42422: ['page'] });
    assert.deepEqual([asked, 'got' in pages.reading, pages.adapter.state], [[9093, 42422], true, 'serves']);
  });

  it('are asked again, one by one, when a port that refuses has ended the way to both', async () => {
    const adapterRefuses = await read({ 9093: ['BadAnswer', 'page'], 42422: ['ConnectionRefused'] });
    assert.deepEqual(
      [adapterRefuses.asked, 'got' in adapterRefuses.pages.reading, adapterRefuses.pages.adapter.state],
      [[9093, 42422, 9093, 42422], true, 'refuses'],
    );
    for (const first of ['BadAnswer', 'ConnectionRefused'] as const) {
      const { pages } = await read({ 9093: ['ConnectionRefused'], 42422: [first, 'page'] });
      assert.deepEqual(['missing' in pages.reading, pages.adapter.state], [true, 'serves']);
    }
  });

  it('are not asked again for another reason', async () => {
    const { asked, pages } = await read({ 9093: ['Forbidden'], 42422: ['Forbidden'] });
    assert.deepEqual([asked, pages.adapter.state], [[9093, 42422], 'unseen']);
    assert.deepEqual((await read({ 9093: ['BadAnswer'], 42422: ['page'] })).asked, [9093, 42422]);
  });
});
