import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { type Printed, serveExec } from './exec.ts';
import { ended, listening } from './loopback.ts';
import { needed } from './programs.ts';
import { answer } from './promql.ts';
import type { Page, RecordedObject, Recording } from './recordings.ts';
import { type PodStream, type SpdyStream, serveSpdy } from './spdy.ts';
import { serveTunnel } from './tunnel.ts';

/** What happens to a request instead of an answer. */
export type Fault =
  | 'forbid'
  | 'unauthorized'
  | 'stall'
  | 'reset'
  | 'cut'
  | 'html'
  | 'error'
  | 'throttle'
  | 'expire'
  | 'begin';

export interface StandInOptions {
  /** The first whose pattern matches `VERB PATH` applies. `times` limits how often. */
  faults?: { match: RegExp; fault: Fault; times?: number }[];
  /** As whom the API server knows who asks. */
  user?: string;
  /** An API server, or a proxy before it, that knows no tunnels: kubectl falls back to SPDY, and so do we. */
  refusesTunnels?: boolean;
  /** What the API server's own proxy says where it reaches no pod, instead of the pod's refusal. */
  proxySays?: string;
  /** Where a pod's port leads instead of the recorded page: a real program's. By `NAMESPACE/POD:PORT`. */
  forwardTo?: Map<string, number>;
  /** What every program prints in a container, by `NAMESPACE/POD/CONTAINER`. */
  prints?: Map<string, Printed>;
}

export interface StandIn {
  kubeconfig: string;
  port: number;
  /** `VERB PATH?QUERY` of every request. */
  requests: string[];
  recording: Recording;
  options: StandInOptions;
  close(): Promise<void>;
}

const BUILT_IN: Record<string, string> = {
  Pod: '/api/v1/pods',
  Service: '/api/v1/services',
  Namespace: '/api/v1/namespaces',
  ConfigMap: '/api/v1/configmaps',
  Event: '/api/v1/events',
  Deployment: '/apis/apps/v1/deployments',
  ReplicaSet: '/apis/apps/v1/replicasets',
  StatefulSet: '/apis/apps/v1/statefulsets',
};

/** What a mesh of today is asked for besides; a recording that has none of a kind does not serve it. */
const MORE: Record<string, string> = {
  DaemonSet: '/apis/apps/v1/daemonsets',
  Job: '/apis/batch/v1/jobs',
  EndpointSlice: '/apis/discovery.k8s.io/v1/endpointslices',
  NetworkPolicy: '/apis/networking.k8s.io/v1/networkpolicies',
  MutatingWebhookConfiguration: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
};

/** Every kind that is served, by the path of its list, with its objects. */
function tablesOf(objects: readonly RecordedObject[]): Map<string, RecordedObject[]> {
  const tables = new Map<string, RecordedObject[]>(Object.values(BUILT_IN).map((path) => [path, []]));
  const kinds = new Set(objects.map(({ kind }) => kind));
  if (kinds.has('MutatingWebhookConfiguration')) for (const path of Object.values(MORE)) tables.set(path, []);
  /** By kind and group: the paths and versions in which objects are served, all of which have all of them. */
  const served = new Map<string, { path: string; apiVersion: string }[]>();
  for (const { kind, spec } of objects) {
    if (kind !== 'CustomResourceDefinition') continue;
    const { group, names, versions } = spec as {
      group: string;
      names: { plural: string; kind: string };
      versions: { name: string }[];
    };
    for (const { name } of versions) {
      const path = `/apis/${group}/${name}/${names.plural}`;
      const key = `${names.kind} ${group}`;
      served.set(key, [...(served.get(key) ?? []), { path, apiVersion: `${group}/${name}` }]);
      tables.set(path, []);
    }
  }
  for (const object of objects) {
    const group = object.apiVersion.includes('/') ? object.apiVersion.split('/')[0] : '';
    const builtIn = { ...BUILT_IN, ...MORE }[object.kind];
    if (builtIn !== undefined) tables.get(builtIn)?.push(object);
    for (const { path, apiVersion } of served.get(`${object.kind} ${group}`) ?? []) {
      // An input may define a kind that is there anyway.
      if (path !== builtIn)
        tables.get(path)?.push(apiVersion === object.apiVersion ? object : { ...object, apiVersion });
    }
  }
  return tables;
}

const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

const failure = (response: ServerResponse, code: number, reason: string, message: string): void =>
  json(response, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message });

/** What the API server says to a user without a right. */
function refusal(method: string, path: string, user = 'sre'): string {
  const [, group = '', , namespace, resource = '', name, sub] =
    /^\/(?:api|apis\/([^/]+))\/([^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?/.exec(path) ?? [];
  const verb = method === 'POST' ? 'create' : name === undefined ? 'list' : 'get';
  const full = sub === undefined ? resource : `${resource}/${sub}`;
  const named = name === undefined ? '' : ` "${name}"`;
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return `${group === '' ? resource : `${resource}.${group}`}${named} is forbidden: User "${user}" cannot ${verb} resource "${full}" in API group "${group}" ${where}`;
}

/** An API server of a recorded mesh that the real kubectl talks to: lists, objects, logs, port-forwards, faults. */
export async function startStandIn(recording: Recording, options: StandInOptions = {}): Promise<StandIn> {
  needed('kubectl');
  const tables = tablesOf(recording.objects);
  const requests: string[] = [];
  const sockets = new Set<Duplex>();
  const pageServers = new Map<string, Server>();
  const websockets = new WebSocketServer({ noServer: true });

  const faultFor = (request: string): Fault | null => {
    const hit = options.faults?.find(({ match, times }) => match.test(request) && times !== 0);
    if (!hit) return null;
    if (hit.times !== undefined) hit.times--;
    return hit.fault;
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://x');
    const line = `${request.method} ${decodeURIComponent(url.pathname)}${url.search}`;
    requests.push(line);
    const fault = faultFor(line);
    if (fault) return fail(fault, request, response, url);
    answerApi(url, response);
  });

  function fail(fault: Fault, request: IncomingMessage, response: ServerResponse, url: URL): void {
    const refused = refusal(request.method ?? 'GET', decodeURIComponent(url.pathname), options.user);
    if (fault === 'forbid') failure(response, 403, 'Forbidden', refused);
    else if (fault === 'unauthorized') failure(response, 401, 'Unauthorized', 'Unauthorized');
    else if (fault === 'error') failure(response, 500, 'InternalError', 'etcdserver: request timed out');
    else if (fault === 'throttle')
      failure(response, 429, 'TooManyRequests', 'too many requests, please try again later');
    else if (fault === 'expire') failure(response, 410, 'Expired', 'The provided continue parameter is too old');
    else if (fault === 'reset') request.socket.destroy();
    else if (fault === 'html')
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html><title>Sign in</title></html>');
    else if (fault === 'cut') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100000' });
      response.write('{"kind":"List","items":[{"metadata":{"na');
      setTimeout(() => request.socket.destroy(), 50).unref();
    } else if (fault === 'begin') response.writeHead(200, { 'content-type': 'text/plain' }).write('# begins\n\n\n');
    // 'stall': nothing at all, until the other side gives up.
  }

  function answerApi(url: URL, response: ServerResponse): void {
    const path = decodeURIComponent(url.pathname);
    if (path === '/version') return json(response, 200, { major: '1', minor: '36', gitVersion: 'v1.36.2' });
    if (path === '/api') return json(response, 200, { kind: 'APIVersions', versions: ['v1'] });
    if (path === '/apis') return json(response, 200, { kind: 'APIGroupList', apiVersion: 'v1', groups: [] });
    if (path === '/api/v1')
      return json(response, 200, discovery('v1', ['pods', 'services', 'namespaces', 'configmaps']));
    const group = /^\/apis\/([^/]+)\/([^/]+)$/.exec(path);
    if (group) {
      const plurals = [...tables.keys()]
        .filter((table) => table.startsWith(`${path}/`))
        .map((table) => table.slice(path.length + 1));
      if (plurals.length > 0) return json(response, 200, discovery(`${group[1]}/${group[2]}`, plurals));
    }
    const log = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/log$/.exec(path);
    if (log) return answerLog(`${log[1]}/${log[2]}/${url.searchParams.get('container')}`, url, response);
    const proxied = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/:]+):(\d+)\/proxy\/(.*)$/.exec(path);
    if (proxied) return answerProxied(proxied, url, response);
    const [, prefix = '', namespace, plural = '', name] =
      /^(\/(?:api|apis\/[^/]+)\/[^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
    const table = tables.get(`${prefix}/${plural}`);
    if (!table) return failure(response, 404, 'NotFound', 'the server could not find the requested resource');
    const inNamespace = table.filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
    if (name !== undefined) {
      const object = inNamespace.find(({ metadata }) => metadata.name === name);
      return object ? json(response, 200, object) : failure(response, 404, 'NotFound', `${plural} "${name}" not found`);
    }
    answerList(inNamespace, url, response);
  }

  function answerList(all: readonly RecordedObject[], url: URL, response: ServerResponse): void {
    const selector = url.searchParams.get('labelSelector') ?? '';
    const wanted = selector === '' ? [] : selector.split(',').map((each) => each.split(/==?/));
    // A key alone asks for any value.
    const items = all.filter(({ metadata }) =>
      wanted.every(([key = '', value]) => {
        const has = metadata.labels?.[key];
        return value === undefined ? has !== undefined : has === value;
      }),
    );
    const from = Number(url.searchParams.get('continue') ?? 0);
    const limit = Number(url.searchParams.get('limit') ?? items.length);
    const next = from + limit < items.length ? { continue: String(from + limit) } : {};
    json(response, 200, {
      kind: 'List',
      apiVersion: 'v1',
      metadata: { resourceVersion: '1', ...next },
      items: items.slice(from, from + limit),
    });
  }

  function answerLog(key: string, url: URL, response: ServerResponse): void {
    const whole = recording.logs.get(key);
    if (whole === undefined) return failure(response, 404, 'NotFound', `no log of ${key}`);
    const tail = url.searchParams.get('tailLines');
    const limit = url.searchParams.get('limitBytes');
    const lines =
      tail === null
        ? whole
        : whole
            .split('\n')
            .slice(-Number(tail) - 1)
            .join('\n');
    response
      .writeHead(200, { 'content-type': 'text/plain' })
      .end(limit === null ? lines : lines.slice(0, Number(limit)));
  }

  /** The page of a pod's port; null where nothing listens. */
  function pageOf(key: string, path: string, query: string): Page | null {
    const promql = new URLSearchParams(query).get('query');
    if (path === 'api/v1/query' && promql !== null) {
      return { status: 200, contentType: 'application/json', body: answer(recording, promql) };
    }
    return (
      recording.pages.get(`${key}/${path}${query.replace('?', '__')}`) ?? recording.pages.get(`${key}/${path}`) ?? null
    );
  }

  const listens = (key: string): boolean => [...recording.pages.keys()].some((page) => page.startsWith(`${key}/`));

  const ipOf = (namespace = '', name = ''): string =>
    String(
      tables.get('/api/v1/pods')?.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name)
        ?.status?.podIP,
    );

  function answerProxied(
    [, namespace, pod, port, path = '']: RegExpExecArray,
    url: URL,
    response: ServerResponse,
  ): void {
    const key = `${namespace}/${pod}:${port}`;
    const page = pageOf(key, path, url.search);
    if (page && options.proxySays === undefined)
      response.writeHead(page.status, { 'content-type': page.contentType }).end(page.body);
    else if (listens(key) && options.proxySays === undefined) response.writeHead(404).end('404 page not found');
    else
      failure(
        response,
        503,
        'ServiceUnavailable',
        `error trying to reach service: ${options.proxySays ?? `dial tcp ${ipOf(namespace, pod)}:${port}: connect: connection refused`}`,
      );
  }

  /** A loopback server for each pod's port; null where nothing listens. */
  async function portOf(key: string): Promise<number | null> {
    const elsewhere = options.forwardTo?.get(key);
    if (elsewhere !== undefined) return elsewhere;
    if (!listens(key)) return null;
    let pages = pageServers.get(key);
    if (!pages) {
      pages = createServer((request, response) => {
        const url = new URL(request.url ?? '/', 'http://x');
        const line = `PAGE ${key}${url.pathname}${url.search}`;
        requests.push(line);
        const fault = faultFor(line);
        if (fault) return fail(fault, request, response, url);
        const page = pageOf(key, url.pathname.slice(1), url.search);
        if (page) response.writeHead(page.status, { 'content-type': page.contentType }).end(page.body);
        else response.writeHead(404).end('404 page not found\n');
      });
      pages.on('connection', (socket) => {
        sockets.add(socket);
      });
      pageServers.set(key, pages);
      pages.listen(0, '127.0.0.1');
    }
    // Two connections may come at once: the second finds a server that does not listen yet.
    if (!pages.listening) await once(pages, 'listening');
    return (pages.address() as AddressInfo).port;
  }

  server.on('connection', (socket) => sockets.add(socket));
  server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname);
    const line = `UPGRADE ${path}`;
    const refuse = (code: number, status: object): void => {
      const body = JSON.stringify(status);
      socket.end(
        `HTTP/1.1 ${code} Refused\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      );
    };
    const fault = faultFor(line);
    if (fault === 'forbid') {
      return refuse(403, {
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        code: 403,
        reason: 'Forbidden',
        message: refusal('POST', path),
      });
    }
    if (fault === 'stall') return;
    const [, namespace, pod, what] =
      /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/(portforward|exec)$/.exec(path) ?? [];
    if (what === 'exec') {
      // v5 is kubectl's own, and v4 ours.
      const isOurs = request.headers['sec-websocket-protocol'] === 'v4.channel.k8s.io';
      if (isOurs && options.refusesTunnels) return refuse(400, { kind: 'Status', status: 'Failure', code: 400 });
      const query = new URL(request.url ?? '/', 'http://x').searchParams;
      const key = `${namespace}/${pod}/${query.get('container')}`;
      requests.push(`EXEC ${key} ${query.getAll('command').slice(0, 2).join(' ')}`);
      return websockets.handleUpgrade(request, socket, Buffer.alloc(0), (channels) =>
        serveExec(channels, options.prints?.get(key) ?? null),
      );
    }
    if (request.headers.upgrade === 'websocket') {
      // kubectl asks for its own SPDY in a websocket, and falls back to SPDY alone when it is refused.
      const isTunnel = request.headers['sec-websocket-protocol'] === 'v4.channel.k8s.io';
      if (!isTunnel || options.refusesTunnels) return refuse(400, { kind: 'Status', status: 'Failure', code: 400 });
      requests.push(`TUNNEL ${path}`);
      const ports = new URL(request.url ?? '/', 'http://x').searchParams.getAll('ports').map(Number);
      return websockets.handleUpgrade(request, socket, Buffer.alloc(0), (tunnel) =>
        serveTunnel(
          tunnel,
          ports,
          (port, stream, errors) => void forward(`${namespace}/${pod}:${port}`, stream, errors),
        ),
      );
    }
    requests.push(line);
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\nX-Stream-Protocol-Version: portforward.k8s.io\r\n\r\n',
    );
    const errors = new Map<string, SpdyStream>();
    serveSpdy(socket, (stream) => {
      const id = stream.headers.requestid ?? '';
      if (stream.headers.streamtype === 'error') errors.set(id, stream);
      else void forward(`${namespace}/${pod}:${stream.headers.port}`, stream, errors.get(id));
    });
  });

  async function forward(
    key: string,
    stream: PodStream,
    errors: Pick<PodStream, 'write' | 'end'> | undefined,
  ): Promise<void> {
    const waiting: Buffer[] = [];
    let target: Duplex | null = null;
    stream.onData((chunk) => (target ? target.write(chunk) : waiting.push(chunk)));
    stream.onEnd(() => target?.end());
    const port = await portOf(key);
    if (port === null) {
      errors?.write(
        Buffer.from(
          `error forwarding port ${key.split(':')[1]} to pod: dial tcp4 127.0.0.1:${key.split(':')[1]}: connect: connection refused`,
        ),
      );
      errors?.end();
      stream.end();
      return;
    }
    const socket = connect(port, '127.0.0.1');
    target = socket;
    sockets.add(socket);
    for (const chunk of waiting) socket.write(chunk);
    socket.on('data', (chunk: Buffer) => stream.write(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      stream.end();
      errors?.end();
    });
  }

  const port = await listening(server);
  const folder = mkdtempSync(join(tmpdir(), 'stand-in-'));
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigText(port));
  return {
    kubeconfig,
    port,
    requests,
    recording,
    options,
    async close() {
      for (const socket of sockets) socket.destroy();
      await Promise.all([server, ...pageServers.values()].map(ended));
      rmSync(folder, { recursive: true });
    },
  };
}

const discovery = (groupVersion: string, plurals: readonly string[]) => ({
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion,
  resources: plurals.map((name) => ({
    name,
    singularName: name.replace(/s$/, ''),
    namespaced: name !== 'namespaces',
    kind: name.charAt(0).toUpperCase() + name.slice(1).replace(/s$/, ''),
    verbs: ['get', 'list'],
  })),
});

const kubeconfigText = (port: number): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'recorded',
    clusters: [{ name: 'stand-in', cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: 'sre', user: {} }],
    contexts: [{ name: 'recorded', context: { cluster: 'stand-in', user: 'sre', namespace: 'bookinfo' } }],
  });
