import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { ENVOY_PROGRAM } from './build.ts';
import { childrenIn, until } from './children.ts';
import { freePorts } from './cluster.ts';

/** A real Envoy by itself, with one listener for HTTP. */
export interface RunningEnvoy {
  ports: { admin: number; http: number };
  /** What it wrote: its log, or its access log. */
  log(): string;
  access(): string;
  /** Sends it a signal. */
  kill(signal: NodeJS.Signals): void;
  close(): Promise<void>;
}

export interface EnvoyOptions {
  /** Takes HTTP/1.0. */
  http10?: boolean;
  /** How many files it may open, for good. */
  descriptors?: number;
  /** `debug`. */
  logLevel?: string;
  /** The port that its requests are sent on to; without one it answers itself. */
  upstream?: number;
}

/** Istio's own format of today. */
const FORMAT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% "%REQ(USER-AGENT)%"\n';

export async function startEnvoy(
  parent: string,
  name: string,
  { http10 = false, descriptors, logLevel = 'warning', upstream }: EnvoyOptions = {},
): Promise<RunningEnvoy> {
  const folder = join(parent, name);
  mkdirSync(folder);
  const [admin = 0, http = 0] = await freePorts(2);
  const address = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
  const type = (kind: string) => `type.googleapis.com/envoy.extensions.${kind}`;
  const manager = {
    '@type': type('filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'inbound_0.0.0.0_80',
    http_protocol_options: { accept_http_10: http10, default_host_for_http_10: 'x' },
    access_log: [
      {
        name: 'envoy.access_loggers.file',
        typed_config: {
          '@type': type('access_loggers.file.v3.FileAccessLog'),
          path: join(folder, 'access.log'),
          log_format: { text_format_source: { inline_string: FORMAT } },
        },
      },
    ],
    route_config: {
      name: '80',
      virtual_hosts: [
        {
          name: 'any',
          domains: ['*'],
          routes: [
            {
              match: { prefix: '/' },
              ...(upstream === undefined ? { direct_response: { status: 200 } } : { route: { cluster: 'upstream' } }),
            },
          ],
        },
      ],
    },
    http_filters: [
      { name: 'envoy.filters.http.router', typed_config: { '@type': type('filters.http.router.v3.Router') } },
    ],
  };
  const config = join(folder, 'envoy.json');
  writeFileSync(
    config,
    JSON.stringify({
      node: { id: name, cluster: 'x' },
      admin: { address: address(admin) },
      static_resources: {
        clusters:
          upstream === undefined
            ? []
            : [
                {
                  name: 'upstream',
                  load_assignment: {
                    cluster_name: 'upstream',
                    endpoints: [{ lb_endpoints: [{ endpoint: { address: address(upstream) } }] }],
                  },
                },
              ],
        listeners: [
          {
            name: '0.0.0.0_80',
            address: address(http),
            traffic_direction: 'OUTBOUND',
            filter_chains: [
              { filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] },
            ],
          },
        ],
      },
    }),
  );
  const children = childrenIn(folder);
  const limit = descriptors === undefined ? '' : `ulimit -n ${descriptors}; `;
  const command = `${limit}exec "$0" -c "$1" --concurrency 1 --disable-hot-restart --use-dynamic-base-id -l "$2"`;
  const envoy = children.start('sh', ['-c', command, ENVOY_PROGRAM, config, logLevel]);
  const answers = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${admin}/`, { signal: AbortSignal.timeout(1000) }).then(
      () => true,
      () => false,
    );
  try {
    await until(answers, 20, () => `Envoy does not answer: ${children.words('sh')}`);
  } catch (error) {
    await children.end();
    throw error;
  }
  return {
    ports: { admin, http },
    log: () => readFileSync(join(folder, 'sh.log'), 'utf8'),
    access: () => readFileSync(join(folder, 'access.log'), 'utf8'),
    kill: (signal) => void envoy.kill(signal),
    close: () => children.end(),
  };
}

/** Sends bytes, and resolves to what comes back first. */
export async function say(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(text);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return answer.toString();
}

/** Opens connections that say `text`, or nothing, and stay. */
export async function hold(port: number, number: number, text = ''): Promise<readonly Socket[]> {
  const sockets = Array.from({ length: number }, () => connect(port, '127.0.0.1'));
  for (const socket of sockets) socket.on('error', () => undefined).write(text);
  await Promise.all(sockets.map((socket) => once(socket, 'connect').catch(() => undefined)));
  return sockets;
}
