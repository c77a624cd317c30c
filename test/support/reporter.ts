import { Readable } from 'node:stream';
import { spec, tap } from 'node:test/reporters';
import { inspect } from 'node:util';

/** What is read of the runner's events. */
interface Event {
  readonly type: string;
  readonly data: {
    readonly name?: string;
    readonly file?: string;
    readonly details?: { readonly error?: { readonly failureType?: string; readonly cause?: unknown } };
  };
}

/** The closing lines begin with it. */
const CLOSING = '# tests ';

const commented = (text: string): string => text.replaceAll(/^/gm, '# ');

/**
 * The runner's own words: `spec` on a terminal, and `tap` elsewhere. Before tap's closing lines each failure is said once
 * more: a log that is cut to its last lines still tells which test has failed, and why.
 */
export default async function* reporter(source: AsyncIterable<Event>): AsyncGenerator<string> {
  if (process.stdout.isTTY) {
    yield* Readable.from(source).pipe(new spec());
    return;
  }
  const failures: string[] = [];
  async function* noted(): AsyncGenerator<Event> {
    for await (const event of source) {
      const error = event.data.details?.error;
      if (event.type === 'test:fail' && error?.failureType !== 'subtestsFailed')
        failures.push(commented(`FAILED ${event.data.name}\n${inspect(error?.cause ?? error)}`));
      yield event;
    }
  }
  for await (const text of tap(noted() as Parameters<typeof tap>[0])) {
    if (text.startsWith(CLOSING) && failures.length > 0) yield `${failures.join('\n')}\n`;
    yield text;
  }
}
