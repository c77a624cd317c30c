import type { Agent, IncomingMessage, RequestOptions } from 'node:http';
import { request as httpRequest } from 'node:http';
import { Overdue, type Patience, within } from './deadline.ts';

/** An HTTP answer whose body is still coming in. */
export interface HttpAnswer {
  status: number;
  contentType: string;
  /** The server's clock, in milliseconds since 1970, cut to seconds; null when it does not tell. */
  date: number | null;
  /** Where a redirect leads; absent where the answer names nothing. */
  location?: string | undefined;
  body: AsyncIterable<Buffer>;
}

/**
 * GETs with `options` and resolves when the headers are there. The body's next chunk is waited for as long as the
 * first byte was. Rejects with what the socket said, or Overdue; the connection is closed on every way out.
 */
export async function httpGet(
  options: RequestOptions & { servername?: string },
  patience: Patience,
  send = httpRequest,
): Promise<HttpAnswer> {
  const request = send({ ...options, method: 'GET' });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    // Stays for the whole exchange: a socket that breaks later must not become an unhandled 'error' event.
    request.on('error', reject);
  });
  request.end();
  try {
    const response = await within(patience, answered);
    return {
      status: response.statusCode ?? 0,
      contentType: response.headers['content-type'] ?? '',
      date: Date.parse(response.headers.date ?? '') || null,
      location: response.headers.location,
      body: unpacked(bodyOf(response, patience), response.headers['content-encoding'] ?? 'identity'),
    };
  } catch (error) {
    request.destroy();
    // The other end closed a connection that rested, just as we wrote to it: a new one is no second chance.
    const stale = request.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET';
    if (stale) return httpGet({ ...options, agent: false }, patience, send);
    throw error;
  }
}

async function* bodyOf(response: IncomingMessage, patience: Patience): AsyncGenerator<Buffer> {
  const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let come = 0;
  try {
    for (;;) {
      const next = await within(patience, chunks.next());
      if (next.done) break;
      come += next.value.length;
      yield next.value;
    }
    if (!response.complete) throw new Error('the connection closed before the answer was whole');
  } catch (error) {
    // Slow and silent are two faults.
    throw error instanceof Overdue ? new Overdue(error.stop, `${error.message}, after ${come} bytes`) : error;
  } finally {
    response.destroy();
  }
}

/** A body as it was meant: some servers and what stands before them compress what nobody asked them to. */
async function* unpacked(body: AsyncGenerator<Buffer>, encoding: string): AsyncGenerator<Buffer> {
  if (!/^(x-)?gzip$|^deflate$|^br$/i.test(encoding)) return yield* body;
  const [{ createBrotliDecompress, createUnzip }, { pipeline, Readable }] = await Promise.all([
    import('node:zlib'),
    import('node:stream'),
  ]);
  const unpack = /^br$/i.test(encoding) ? createBrotliDecompress() : createUnzip();
  // What breaks the body breaks what is unpacked of it: whoever reads it is told.
  pipeline(Readable.from(body), unpack, () => undefined);
  yield* unpack as AsyncIterable<Buffer>;
}

/** A body that is there already, as one that comes in. */
export async function* once(body: Buffer): AsyncGenerator<Buffer> {
  yield body;
}

/** Ends an agent's connections, and the requests that still wait for one: each would open a new one. */
export function endAgent(agent: Agent): void {
  for (const waiting of Object.values(agent.requests)) for (const request of waiting?.slice() ?? []) request.destroy();
  agent.destroy();
}

/** Reads what is left of a body, at most `limit` bytes, so that an error can quote it. */
export async function quote(body: AsyncIterable<Buffer>, limit = 65_536): Promise<string> {
  let text = '';
  try {
    for await (const chunk of body) {
      text += chunk.toString('utf8');
      if (text.length > limit) break;
    }
  } catch {
    // What came before the break is the best quotation there is.
  }
  return text;
}
