import { once } from '../ways/http.ts';
import type { Ran } from '../ways/kubectl.ts';
import { hindranceIn, rightIn } from '../ways/refusal.ts';
import type { Answer } from './cluster.ts';
import type { ExecQuestion } from './question.ts';
import { unanswered } from './text.ts';

/**
 * What may be run in a container: each of these reads and writes nothing. PID 1 of a proxy's container is the agent,
 * so Envoy is looked for by its name (guide.md g, G4); the shell's own words do for images that have little else.
 */
export const PROGRAMS = {
  descriptors: [
    'sh',
    '-c',
    [
      'for p in /proc/[0-9]*; do read -r name <$p/comm || continue; [ "$name" = envoy ] || continue;',
      'while read -r line; do case $line in "Max open files"*) echo "$line";; esac; done <$p/limits;',
      // What may not be looked into has no number.
      'set -- $p/fd/*; [ -e "$1" ] && echo "open $#"; done 2>/dev/null; true',
    ].join(' '),
  ],
} as const satisfies Record<string, readonly string[]>;

export type Program = keyof typeof PROGRAMS;

/** What they print is short. */
export const LIMIT = 1024 * 1024;

/** What is said where a container could not run a program, or not to its end. */
const CONTAINERS =
  /executable file not found|terminated with exit code|no such file or directory|before the program had/;

/** An answer of what a program printed. Throws NoAnswer where it did not run, or not well. */
export function answerOf(question: ExecQuestion, { exitCode, missing, output, words }: Ran): Answer {
  if (missing) throw unanswered(question, 'NoKubectl', 'there is no kubectl on the PATH');
  if (output.length > LIMIT) throw unanswered(question, 'TooLarge', 'it printed more than 1 MB');
  if (exitCode !== 0) {
    const right = rightIn(words);
    // A distroless image has no shell: that is the container's answer, and neither the API server's nor an object's.
    const hindrance = CONTAINERS.test(words) ? 'BadAnswer' : hindranceIn(words);
    throw unanswered(question, hindrance, words || `exit code ${exitCode}`, { ...(right && { right }) });
  }
  return { status: 200, contentType: 'text/plain', body: once(output) };
}
