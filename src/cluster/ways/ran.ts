import type { Answer } from '../question/cluster.ts';
import type { Program } from '../question/exec.ts';
import type { ExecQuestion } from '../question/question.ts';
import { unanswered } from '../question/text.ts';
import { once } from './http.ts';
import type { Ran } from './kubectl.ts';
import { hindranceIn, rightIn } from './refusal.ts';

const MEGABYTE = 1024 * 1024;

/** How many bytes of what a program prints are read: a page of Envoy's has a line for each series, of which a mesh has many. */
export const LIMITS: Readonly<Record<Program, number>> = { descriptors: MEGABYTE, metrics: 16 * MEGABYTE };

/** What is said where a container could not run a program, or not to its end. */
const CONTAINERS =
  /executable file not found|terminated with exit code|no such file or directory|before the program had/;

/** An answer of what a program printed. Throws NoAnswer where it did not run, or not well. */
export function answerOf(question: ExecQuestion, { exitCode, missing, output, words }: Ran): Answer {
  if (missing) throw unanswered(question, 'NoKubectl', 'there is no kubectl on the PATH');
  const limit = LIMITS[question.run];
  if (output.length > limit) throw unanswered(question, 'TooLarge', `it printed more than ${limit / MEGABYTE} MB`);
  if (exitCode !== 0) {
    const right = rightIn(words);
    // A distroless image has no shell: that is the container's answer, and neither the API server's nor an object's.
    const hindrance = CONTAINERS.test(words) ? 'BadAnswer' : hindranceIn(words);
    throw unanswered(question, hindrance, words || `exit code ${exitCode}`, { ...(right && { right }) });
  }
  return { status: 200, contentType: 'text/plain', body: once(output) };
}
