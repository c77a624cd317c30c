import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { type WebSocket, WebSocketServer } from 'ws';
import { openTunnel, saidOf } from '../../src/cluster/ways/tunnel.ts';

describe('a tunnel, by what the kubelet sends', () => {
  let folder = '';
  let path = '';
  let asked = '';
  let kubelet: (socket: WebSocket) => void = () => undefined;
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  const to = { namespace: 'n', pod: 'p', port: 9090 };
  const patience = { request: 3000, run: new AbortController().signal };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tunnel-'));
    path = join(folder, 's');
    sockets.on('connection', (socket, request) => {
      asked = request.url ?? '';
      kubelet(socket);
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
  });
  after(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
    rmSync(folder, { recursive: true });
  });

  const frame = (channel: number, text: string | Buffer): Buffer =>
    Buffer.concat([Buffer.from([channel]), Buffer.from(text)]);
  /** The first message of each channel repeats its port. */
  const greet = (socket: WebSocket, count: number): void => {
    for (let channel = 0; channel < 2 * count; channel++) socket.send(frame(channel, Buffer.from([1, 0])));
  };
  const open = async (count: number, serve: (socket: WebSocket) => void): Promise<readonly Duplex[]> => {
    kubelet = (socket) => {
      greet(socket, count);
      serve(socket);
    };
    return openTunnel(path, to, count, patience);
  };
  const textIn = async (stream: Duplex): Promise<string> => {
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    return text;
  };
  const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

  it('asks for the port once for each connection', async () => {
    const streams = await open(3, (socket) => socket.close());
    assert.equal(asked, '/api/v1/namespaces/n/pods/p/portforward?ports=9090&ports=9090&ports=9090');
    assert.deepEqual(await Promise.all(streams.map(textIn)), ['', '', '']);
  });

  it('carries each connection’s bytes there and back', async () => {
    const streams = await open(2, (socket) =>
      socket.on('message', (message: Buffer) => {
        socket.send(frame(message[0] ?? 9, `heard ${message.subarray(1).toString()}`));
        if (message[0] === 2) socket.close();
      }),
    );
    streams[0]?.write('one');
    await later();
    streams[1]?.write('two');
    assert.deepEqual(await Promise.all(streams.map(textIn)), ['heard one', 'heard two']);
  });

  it('tells a connection that is refused at once, and carries the others on', async () => {
    let socket: WebSocket | undefined;
    const [refused, other] = await open(2, (opened) => {
      socket = opened;
      opened.send(frame(1, 'connection '));
      opened.send(frame(1, 'refused\n'));
    });
    assert.ok(refused && other);
    await assert.rejects(textIn(refused), /^Error: connection refused$/);
    assert.deepEqual([saidOf(refused), saidOf(other)], ['connection refused', '']);
    socket?.send(frame(2, 'whole'));
    socket?.close();
    assert.equal(await textIn(other), 'whole');
  });

  it('gives what came before the kubelet’s last word, also to a late reader', async () => {
    const page = 'x'.repeat(300_000);
    const [stream] = await open(1, (socket) => {
      socket.send(frame(0, page));
      socket.send(frame(1, 'connection reset by peer'));
      socket.send(frame(0, 'nobody’s'));
      socket.close();
    });
    assert.ok(stream);
    await later();
    assert.equal(await textIn(stream), page);
    assert.equal(saidOf(stream), 'connection reset by peer');
  });

  it('rests when nobody reads, and reads one past another', async () => {
    const page = Buffer.alloc(64 * 1024, 'y');
    let socket: WebSocket | undefined;
    const [unread, read] = await open(2, (opened) => {
      socket = opened;
      for (let count = 0; count < 200; count++) for (const channel of [0, 2]) opened.send(frame(channel, page));
      opened.close();
    });
    assert.ok(unread && read);
    await later();
    assert.ok(unread.readableLength + read.readableLength < 2_000_000, 'it read on');
    assert.ok((socket?.bufferedAmount ?? 0) > 10_000_000);
    assert.equal((await textIn(read)).length, 200 * page.length);
    assert.equal((await textIn(unread)).length, 200 * page.length);
  });

  it('ends when the last of its streams does', async () => {
    let ended = false;
    const [first, second] = await open(2, (socket) => {
      socket.once('close', () => {
        ended = true;
      });
    });
    first?.destroy();
    await later();
    assert.equal(ended, false);
    second?.destroy();
    await later();
    assert.equal(ended, true);
  });

  it('is refused with HTTP’s status', async () => {
    sockets.options.verifyClient = (_info: unknown, done: (ok: boolean, code: number, words: string) => void) =>
      done(false, 403, 'no');
    await assert.rejects(openTunnel(path, to, 1, patience), { status: 403 });
    delete sockets.options.verifyClient;
  });
});
