import type { Answer } from '../question/cluster.ts';
import type { ClockQuestion } from '../question/question.ts';
import { unanswered } from '../question/text.ts';
import { once } from './http.ts';

/** How far a clock is from this machine's, in milliseconds. */
export interface ClockReading {
  /** Above 0: it is ahead. */
  offset: number;
  /** The true offset is within so much of it: half the round trip, and half the second that HTTP's Date is cut to. */
  error: number;
}

/** Asked so often; the fastest round trip tells best (guide.md c, 2). */
const SAMPLES = 3;

/** Half of what HTTP's Date leaves away. */
const HALF_SECOND = 500;

/** Reads the Date of `ask`'s answers. Throws NoAnswer where there is none. */
export async function readClock(question: ClockQuestion, ask: () => Promise<Answer>): Promise<Answer> {
  let best: ClockReading | null = null;
  for (let sample = 0; sample < SAMPLES; sample++) {
    const sentAt = Date.now();
    const answer = await ask();
    const receivedAt = Date.now();
    for await (const _ of answer.body) {
      // To its end: the connection is wanted for the next one.
    }
    if (typeof answer.date !== 'number') throw unanswered(question, 'BadAnswer', 'the answer does not tell the time');
    const error = Math.round((receivedAt - sentAt) / 2) + HALF_SECOND;
    const offset = answer.date + HALF_SECOND - Math.round((sentAt + receivedAt) / 2);
    if (best === null || error < best.error) best = { offset, error };
  }
  const body = Buffer.from(JSON.stringify(best));
  return {
    status: 200,
    contentType: 'application/json',
    body: once(body),
  };
}
