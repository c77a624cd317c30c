import { DiagError } from '../../errors.ts';
import { API_PATHS } from '../ways/proxy.ts';
import { PROGRAMS } from './exec.ts';
import { apiPath, commandOf, type HandshakeQuestion, type PageQuestion, type Question } from './question.ts';

/**
 * The pages that may be read inside a pod. An Envoy of Istio 0.8 obeys GET /quitquitquit (guide.md 0.1), so a path
 * is allowed by name or not at all.
 */
const PAGE_PATHS: readonly RegExp[] = [
  /^\/metrics$/,
  /^\/version$/,
  /^\/ready$/,
  /^\/server_info$/,
  /^\/v1\/registration$/,
  /^\/debug\/(syncz|adsz|edsz|endpointz|registryz|clusterz)$/,
  /^\/debug\/config_dump\?proxyID=[a-z0-9.-]+$/,
  /^\/config_dump(\?include_eds)?$/,
  /^\/(certs|clusters)$/,
  /^\/stats\?usedonly&filter=[\w.|()^$]+$/,
  /^\/stats$/,
  /^\/stats\/prometheus$/,
  /^(\/jaeger)?\/api\/(services|traces\?service=[\w.~%-]+&limit=5&lookback=7d)$/,
  /^(\/zipkin)?\/api\/v2\/traces\?limit=5&lookback=604800000$/,
  /^(\/[\w.~%+@-]+)*\/api\/v1\/(query\?query=[^&#]+|query_range\?query=[^&#]+&start=[\d.]+&end=[\d.]+&step=\d+|targets\?state=active|status\/config|status\/buildinfo)$/,
];

/**
 * Paths that change something though they are asked with GET: of Envoy's admin pages (guide.md 0.1, 0.6), Istio's agent and
 * debug pages, Prometheus, and what programs commonly obey.
 */
const CHANGING: readonly RegExp[] = [
  /quit|exit|shutdown|abort|restart|reload|reset|drain|reopen|disconnect|delete|remove|clear|flush|(^|\/)(stop|kill|gc)(\/|$|\?)/i,
  /^\/(logging|cpuprofiler|heapprofiler|runtime_modify|healthcheck|contention|tap|allocprofiler)(\/|$|\?)/i,
  /[?&](push|enable|disable|set|level|action|method)=/i,
];

/** Envoy's admin port where it was not moved: it obeys GET, and only pages that are on the list are asked there. */
const ADMIN_PORT = 15000;

/** A path as a person may type it: no dot segments, nothing encoded but what a query needs. */
const PLAIN_PATH = /^(\/(?!\.{1,2}(\/|\?|$))[\w.~+@:-]*)+(\?[\w.~%+&=[\]()|^$*,:-]*)?$/;

/** Whether a page whose path a person named may be read: any that changes nothing. */
export const mayBeRead = ({ port, path }: PageQuestion): boolean =>
  isListed(path) || (port !== ADMIN_PORT && PLAIN_PATH.test(path) && !CHANGING.some((pattern) => pattern.test(path)));

const isListed = (path: string): boolean => PAGE_PATHS.some((pattern) => pattern.test(path));

const api = API_PATHS.map((pattern) => new RegExp(pattern));

/** Whether a page may be asked through the API server's own proxy. */
export const mayBeProxied = (path: string): boolean =>
  matches(`/api/v1/namespaces/x/pods/x:1/proxy${path.replace(/\?.*$/, '')}`);

/** Names as Kubernetes allows them: whatever else arrives as a name did not come from an API server. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/;

/** Throws unless `question` only reads, and only what this program needs. */
export function assertReadOnly(question: Question): void {
  if (!isAllowed(question))
    throw new DiagError(`refused: \`${commandOf(question)}\` is not on the list of what may be read`);
}

function isAllowed(question: Question): boolean {
  const path = apiPath(question);
  switch (question.ask) {
    case 'page':
      return isPort(question) && (question.byName ? mayBeRead(question) : isListed(question.path));
    case 'handshake':
      return isPort(question) && NAME.test(question.serverName);
    case 'clock':
      return question.of === null || isAllowed({ ask: 'page', ...question.of });
    case 'url':
      return isListed(new URL(question.url).pathname + new URL(question.url).search);
    case 'list':
      return (question.namespace === null || NAME.test(question.namespace)) && matches(path);
    case 'object':
      return NAME.test(question.namespace) && NAME.test(question.name) && matches(path);
    case 'exec':
      return (
        NAME.test(question.namespace) &&
        NAME.test(question.pod) &&
        NAME.test(question.container) &&
        Object.hasOwn(PROGRAMS, question.run)
      );
    case 'log':
      return NAME.test(question.namespace) && NAME.test(question.pod) && NAME.test(question.container) && matches(path);
    case 'discovery':
      return matches(path);
  }
}

const isPort = ({ namespace, pod, port }: PageQuestion | HandshakeQuestion): boolean =>
  NAME.test(namespace) && NAME.test(pod) && Number.isInteger(port) && port > 0 && port < 65_536;

const matches = (path: string | null): boolean => path !== null && api.some((pattern) => pattern.test(path));
