import { once } from 'node:events';
import { Server as HttpServer } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';

/** Lets a server listen on a free port of this machine, and of no other address. Resolves to the port. */
export async function listening(server: Server, host = '127.0.0.1'): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Resolves when a server has ended, with whatever was still open at it. One that never listened has. */
export const ended = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    if (server instanceof HttpServer || server instanceof HttpsServer) server.closeAllConnections();
  });
