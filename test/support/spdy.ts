import { createRequire } from 'node:module';
import type { Duplex } from 'node:stream';
import { createDeflate, createInflate, type Deflate, type Inflate, constants as zlib } from 'node:zlib';

// The header dictionary of SPDY/3.1: 1,423 bytes that both ends must have alike.
const require = createRequire(import.meta.url);
const dictionary = (require('spdy-transport/lib/spdy-transport/protocol/spdy/dictionary') as Record<string, Buffer>)[
  '3.1'
];

const SYN_STREAM = 1;
const SYN_REPLY = 2;
const RST_STREAM = 3;
const PING = 6;
const GOAWAY = 7;
const FIN = 1;

/** A connection to a port of a pod, as a kubelet sees it. */
export interface PodStream {
  onData(listener: (chunk: Buffer) => void): void;
  onEnd(listener: () => void): void;
  write(chunk: Buffer): void;
  end(): void;
}

/** One stream of a SPDY connection, as a server sees it. */
export interface SpdyStream extends PodStream {
  headers: Readonly<Record<string, string>>;
}

/** Compresses or decompresses one block at a time; the context lasts for the whole connection. */
function inTurn(transform: Inflate | Deflate): (block: Buffer) => Promise<Buffer> {
  let turn: Promise<unknown> = Promise.resolve();
  return (block) => {
    const result = turn.then(
      () =>
        new Promise<Buffer>((resolve) => {
          const chunks: Buffer[] = [];
          const collect = (chunk: Buffer): number => chunks.push(chunk);
          transform.on('data', collect);
          transform.write(block);
          transform.flush(zlib.Z_SYNC_FLUSH, () => {
            transform.off('data', collect);
            resolve(Buffer.concat(chunks));
          });
        }),
    );
    turn = result;
    return result;
  };
}

function headersIn(block: Buffer): Record<string, string> {
  const headers: Record<string, string> = {};
  let at = 4;
  const word = (): string => {
    const length = block.readUInt32BE(at);
    at += 4 + length;
    return block.toString('utf8', at - length, at);
  };
  for (let left = block.readUInt32BE(0); left > 0; left--) {
    const name = word().toLowerCase();
    headers[name] = word();
  }
  return headers;
}

/** The server's end of the SPDY/3.1 that kubectl's port-forward speaks: streams with headers, no flow control. */
export function serveSpdy(socket: Duplex, onStream: (stream: SpdyStream) => void): void {
  const options = { dictionary };
  const inflate = inTurn(createInflate(options));
  const deflate = inTurn(createDeflate(options));
  const streams = new Map<number, { data: ((chunk: Buffer) => void)[]; end: (() => void)[] }>();
  let rest = Buffer.alloc(0);
  let work: Promise<void> = Promise.resolve();

  const send = (head: Buffer, body: Buffer): void => {
    if (!socket.destroyed && socket.writable) socket.write(Buffer.concat([head, body]));
  };
  const control = (type: number, flags: number, body: Buffer): void => {
    const head = Buffer.alloc(8);
    head.writeUInt16BE(0x8003, 0);
    head.writeUInt16BE(type, 2);
    head.writeUInt32BE((flags << 24) | body.length, 4);
    send(head, body);
  };
  const data = (id: number, flags: number, body: Buffer): void => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(id, 0);
    head.writeUInt32BE(((flags << 24) | body.length) >>> 0, 4);
    send(head, body);
  };

  async function opened(id: number, block: Buffer): Promise<void> {
    const listeners: { data: ((chunk: Buffer) => void)[]; end: (() => void)[] } = { data: [], end: [] };
    streams.set(id, listeners);
    const headers = headersIn(await inflate(block));
    const none = await deflate(Buffer.alloc(4));
    const body = Buffer.alloc(4);
    body.writeUInt32BE(id, 0);
    control(SYN_REPLY, 0, Buffer.concat([body, none]));
    onStream({
      headers,
      onData: (listener) => listeners.data.push(listener),
      onEnd: (listener) => listeners.end.push(listener),
      write: (chunk) => {
        for (let at = 0; at < chunk.length; at += 32_768) data(id, 0, chunk.subarray(at, at + 32_768));
      },
      end: () => data(id, FIN, Buffer.alloc(0)),
    });
  }

  async function frame(head: Buffer, body: Buffer): Promise<void> {
    const flags = head[4] ?? 0;
    if ((head[0] ?? 0) < 0x80) {
      const listeners = streams.get(head.readUInt32BE(0) & 0x7fffffff);
      if (body.length > 0) for (const listener of listeners?.data ?? []) listener(body);
      if (flags & FIN) for (const listener of listeners?.end ?? []) listener();
      return;
    }
    const type = head.readUInt16BE(2);
    if (type === SYN_STREAM) {
      const id = body.readUInt32BE(0) & 0x7fffffff;
      await opened(id, body.subarray(10));
      if (flags & FIN) for (const listener of streams.get(id)?.end ?? []) listener();
    } else if (type === PING) control(PING, 0, body);
    else if (type === RST_STREAM) for (const listener of streams.get(body.readUInt32BE(0))?.end ?? []) listener();
    else if (type === GOAWAY) socket.end();
  }

  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 8) {
      const length = rest.readUInt32BE(4) & 0xffffff;
      if (rest.length < 8 + length) break;
      const [head, body] = [rest.subarray(0, 8), rest.subarray(8, 8 + length)];
      rest = rest.subarray(8 + length);
      work = work.then(() => frame(head, body));
    }
  });
  socket.on('error', () => undefined);
}
