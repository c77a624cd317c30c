import type { Right } from '../../rights.ts';
import { PROGRAMS, type Program } from './exec.ts';
import { curlFlags, type Login } from './login.ts';
import { groupPath, isNamespaced, type Resource, typedName } from './resources.ts';
import { shellLine, shellWord } from './shell.ts';

/** All objects of a kind, in one namespace or (`null`) in every one. Answered whole, page after page. */
export interface ListQuestion {
  ask: 'list';
  resource: Resource;
  namespace: string | null;
  /** A label selector as kubectl's `-l` takes it. */
  selector?: string;
  /** A field selector as kubectl's `--field-selector` takes it. */
  fields?: string;
  /** Who has changed what of each object, and when, in place of what it says. */
  managed?: true;
}

/** One object. */
export interface ObjectQuestion {
  ask: 'object';
  resource: Resource;
  namespace: string;
  name: string;
  /** Who has changed what of it, and when, in place of what it says. */
  managed?: true;
}

/** A container's log: its last `tailLines` lines, or its first `limitBytes` bytes. */
export interface LogQuestion {
  ask: 'log';
  namespace: string;
  pod: string;
  container: string;
  part: { tailLines: number } | { limitBytes: number };
  /** Of the container's last instance, the one that ended. */
  previous?: true;
}

/** What a command prints that only reads, run in a container. Its words are ours alone: programs of exec.ts. */
export interface ExecQuestion {
  ask: 'exec';
  namespace: string;
  pod: string;
  container: string;
  run: Program;
}

/** A page served inside a pod. */
export interface PageQuestion {
  ask: 'page';
  namespace: string;
  pod: string;
  port: number;
  /** With its query string, beginning with a slash. */
  path: string;
  /** A person named the path: any is read that changes nothing. */
  byName?: true;
  /** The second reading of a page, taken later, is another question. */
  reading?: 2;
}

/** What kinds an API group serves, the server's version, or its own metrics. */
export interface DiscoveryQuestion {
  ask: 'discovery';
  path: '/version' | '/metrics' | '/apis' | `/apis/${string}`;
}

/** How a TLS handshake with a port of a pod ends. Answered as JSON, a Handshake (handshake.ts). */
export interface HandshakeQuestion {
  ask: 'handshake';
  namespace: string;
  pod: string;
  port: number;
  /** The name that the certificate must be for. */
  serverName: string;
  /** The certificates that are trusted, as PEM. */
  ca: string;
}

/** What the clock behind an HTTP server shows. Answered as JSON, a ClockReading (clock.ts). */
export interface ClockQuestion {
  ask: 'clock';
  /** A page in a pod, whose answer carries the pod's time; null for the API server's own. */
  of: { namespace: string; pod: string; port: number; path: string } | null;
}

/** A page of the Prometheus that the user named with --prometheus-url. */
export interface UrlQuestion {
  ask: 'url';
  /** Without credentials; as the user typed it, plus our path. */
  url: string;
  /** What a person adds to curl; the answer's key does not hold it, so that a bundle answers without. */
  login?: Login;
}

/** Everything that may be asked of a cluster. The seam of capture and replay: a bundle holds questions and answers. */
export type Question =
  | ListQuestion
  | ObjectQuestion
  | LogQuestion
  | PageQuestion
  | ExecQuestion
  | HandshakeQuestion
  | ClockQuestion
  | DiscoveryQuestion
  | UrlQuestion;

/** The path of the API server that answers `question`; null for pages, which a port-forward fetches. */
export function apiPath(question: Question): string | null {
  switch (question.ask) {
    case 'list': {
      const scope = question.namespace === null ? '' : `/namespaces/${encodeURIComponent(question.namespace)}`;
      return `${groupPath(question.resource)}${scope}/${question.resource.plural}`;
    }
    case 'object':
      return `${groupPath(question.resource)}/namespaces/${encodeURIComponent(question.namespace)}/${question.resource.plural}/${encodeURIComponent(question.name)}`;
    case 'log':
      return `/api/v1/namespaces/${encodeURIComponent(question.namespace)}/pods/${encodeURIComponent(question.pod)}/log`;
    case 'discovery':
      return question.path;
    case 'page':
    case 'exec':
    case 'handshake':
    case 'url':
      return null;
    case 'clock':
      return question.of === null ? '/version' : null;
  }
}

/** What a person would type for the same answer. Also how a question is named in a bundle's table of contents. */
export function commandOf(question: Question): string {
  switch (question.ask) {
    case 'list': {
      const where = question.namespace === null ? ['--all-namespaces'] : ['-n', question.namespace];
      const which = question.selector === undefined ? [] : ['-l', question.selector];
      const fields = question.fields === undefined ? [] : ['--field-selector', question.fields];
      const scope = isNamespaced(question.resource) ? where : [];
      const { group, version, plural } = question.resource;
      // The older version of a kind is another question: kubectl has a name for it too.
      const isOneOfSeveral = version === 'v1beta1' || (group === 'gateway.networking.k8s.io' && version !== 'v1');
      const kind = isOneOfSeveral ? `${plural}.${version}.${group}` : typedName(question.resource);
      const managed = question.managed ? ['-o', 'yaml', '--show-managed-fields'] : [];
      return shellLine('kubectl', 'get', kind, ...scope, ...which, ...fields, ...managed);
    }
    case 'object':
      return shellLine(
        'kubectl',
        '-n',
        question.namespace,
        'get',
        typedName(question.resource),
        question.name,
        '-o',
        'yaml',
        ...(question.managed ? ['--show-managed-fields'] : []),
      );
    case 'log': {
      const part =
        'tailLines' in question.part
          ? `--tail=${question.part.tailLines}`
          : `--limit-bytes=${question.part.limitBytes}`;
      const last = question.previous ? ['--previous'] : [];
      return shellLine(
        'kubectl',
        '-n',
        question.namespace,
        'logs',
        question.pod,
        '-c',
        question.container,
        part,
        ...last,
      );
    }
    case 'exec': {
      const { namespace, pod, container, run } = question;
      return shellLine(
        'kubectl',
        '-n',
        namespace,
        'exec',
        pod,
        '-c',
        container,
        '--',
        ...(Object.hasOwn(PROGRAMS, run) ? PROGRAMS[run] : [run]),
      );
    }
    case 'page': {
      const { namespace, pod, port, path } = question;
      const forward = shellLine('kubectl', '-n', namespace, 'port-forward', pod, String(port));
      return `${forward} & sleep 1; curl -s ${shellWord(`localhost:${port}${path}`)}${question.reading ? '  # again, later' : ''}`;
    }
    case 'handshake': {
      const { namespace, pod, port, serverName } = question;
      const forward = shellLine('kubectl', '-n', namespace, 'port-forward', pod, String(port));
      const client = shellLine('openssl', 's_client', '-connect', `localhost:${port}`, '-servername', serverName);
      return `${forward} & sleep 1; ${client} </dev/null`;
    }
    case 'clock': {
      if (question.of === null) return 'date -u; kubectl get --raw /version -v=8 2>&1 | grep -i "Date:"';
      const { namespace, pod, port, path } = question.of;
      const forward = shellLine('kubectl', '-n', namespace, 'port-forward', pod, String(port));
      return `${forward} & sleep 1; date -u; curl -sI ${shellWord(`localhost:${port}${path}`)} | grep -i ^date`;
    }
    case 'discovery':
      return shellLine('kubectl', 'get', '--raw', question.path);
    case 'url':
      return ['curl -s', ...(question.login ? curlFlags(question.login) : []), shellWord(question.url)].join(' ');
  }
}

/** The right that asking takes. A page of Prometheus at a URL takes none of Kubernetes' rights. */
export function rightOf(question: Question): Right {
  switch (question.ask) {
    case 'list':
      return { verb: 'list', resource: typedName(question.resource), namespace: question.namespace };
    case 'object':
      return { verb: 'get', resource: typedName(question.resource), namespace: question.namespace };
    case 'log':
      return { verb: 'get', resource: 'pods/log', namespace: question.namespace };
    case 'exec':
      return { verb: 'create', resource: 'pods/exec', namespace: question.namespace };
    case 'page':
    case 'handshake':
      return { verb: 'create', resource: 'pods/portforward', namespace: question.namespace };
    case 'clock':
      return question.of === null
        ? { verb: 'get', resource: '/version', namespace: null }
        : { verb: 'create', resource: 'pods/portforward', namespace: question.of.namespace };
    case 'discovery':
      return { verb: 'get', resource: question.path, namespace: null };
    case 'url':
      return { verb: 'get', resource: question.url, namespace: null };
  }
}

/** One string for one question: equal keys mean the same question. */
export function keyOf(question: Question): string {
  switch (question.ask) {
    case 'list':
      return `${apiPath(question)}?labelSelector=${question.selector ?? ''}${question.fields === undefined ? '' : `&fieldSelector=${question.fields}`}${question.managed ? '&managed' : ''}`;
    case 'object':
      return `${apiPath(question)}${question.managed ? '?managed' : ''}`;
    case 'discovery':
      return `${apiPath(question)}`;
    case 'log':
      return `${apiPath(question)}?container=${question.container}&${JSON.stringify(question.part)}${question.previous ? '&previous' : ''}`;
    case 'exec':
      return `exec:${question.namespace}/${question.pod}/${question.container}#${question.run}`;
    case 'page':
      return `page:${question.namespace}/${question.pod}:${question.port}${question.path}#${question.reading ?? 1}`;
    case 'handshake': {
      const { namespace, pod, port, serverName, ca } = question;
      return `handshake:${namespace}/${pod}:${port}#${serverName}#${ca}`;
    }
    case 'clock':
      return `clock:${question.of === null ? '' : `${question.of.namespace}/${question.of.pod}:${question.of.port}${question.of.path}`}`;
    case 'url':
      return question.url;
  }
}

/** Whether the key is of a page that was read again, `--window` later. */
export const isSecondReading = (key: string): boolean => key.startsWith('page:') && key.endsWith('#2');
