import { redactValue } from '../../cluster/bundle/redact.ts';
import { UsageError } from '../../errors.ts';
import { adminPage, nameOf, readAdmin } from '../../evidence/envoy/asked.ts';
import { bootstrapIn, type Configuration, readDump } from '../../evidence/envoy/dump.ts';
import { type Endpoint, endpointsIn } from '../../evidence/envoy/endpoints.ts';
import { columns } from '../../report/columns.ts';
import { jsonOf } from '../../report/data.ts';
import type { Style } from '../../report/style.ts';
import { envoyCalled } from './target.ts';
import type { Shown, Work } from './work.ts';

/** What may be shown of an Envoy’s configuration. */
export const KINDS = ['clusters', 'listeners', 'routes', 'endpoints', 'bootstrap'] as const;
type Kind = (typeof KINDS)[number];

/** `outbound|9080|v1|reviews.bookinfo.svc.cluster.local` by its parts; another name is all host. */
function partsOf(name: string): { direction: string; port: string; subset: string; host: string } {
  const [direction = '', port, subset, host] = name.split('|');
  return host === undefined
    ? { direction: '-', port: '-', subset: '-', host: name }
    : { direction, port: port || '-', subset: subset || '-', host: host || '-' };
}

const TABLES: Readonly<
  Record<Exclude<Kind, 'endpoints' | 'bootstrap'>, (dump: Configuration, style: Style) => string>
> = {
  clusters: ({ clusters }, style) =>
    columns(
      ['SERVICE FQDN', 'PORT', 'SUBSET', 'DIRECTION', 'TYPE', 'DESTINATION RULE'],
      unique(
        clusters.map(({ name, type, rule }) => {
          const { host, port, subset, direction } = partsOf(name);
          return [host, port, subset, direction, type, rule ?? ''];
        }),
      ),
      'No clusters.',
      style,
    ),
  listeners: ({ listeners }, style) =>
    columns(
      ['ADDRESS', 'PORT', 'MATCH', 'DESTINATION'],
      listeners.flatMap(({ address, port, chains, name, error }) => {
        const refused = error === '' ? [] : [[name, '', 'refused', error.trim()]];
        const rows = chains.map(({ match, route, cluster }) => [
          address,
          String(port),
          match || 'ALL',
          route === null ? `Cluster: ${cluster ?? 'none'}` : `Route: ${route}`,
        ]);
        return [...(rows.length > 0 || refused.length > 0 ? rows : [[address, String(port), 'ALL', '']]), ...refused];
      }),
      'No listeners.',
      style,
    ),
  routes: ({ routes }, style) =>
    columns(
      ['NAME', 'VHOST NAME', 'DOMAINS', 'MATCH', 'VIRTUAL SERVICE'],
      unique(
        routes.flatMap(({ name, virtualHosts }) =>
          virtualHosts.flatMap((host) => {
            const [first = '', ...others] = host.domains;
            const domains = others.length === 0 ? first : `${first}, and ${others.length} more`;
            return host.routes.map(({ match, rule }) => [name, host.name, domains, match, rule ?? '']);
          }),
        ),
      ),
      'No routes.',
      style,
    ),
};

const endpointsTable = (endpoints: readonly Endpoint[], style: Style): string =>
  columns(
    ['ENDPOINT', 'STATUS', 'OUTLIER CHECK', 'CLUSTER'],
    endpoints.map(({ address, healthy, outlier, cluster }) => [
      address,
      healthy ? 'HEALTHY' : 'UNHEALTHY',
      outlier ? 'FAILED' : 'OK',
      cluster,
    ]),
    'No endpoints.',
    style,
  );

/** Rows in order, each once: a listener has a table of routes for every way into it. */
const unique = (rows: readonly (readonly string[])[]): readonly (readonly string[])[] =>
  [...new Map(rows.map((row) => [row.join('\0'), row])).entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, row]) => row);

/** `debug proxy-config KIND POD`: what istioctl of the release would show, of any release. */
export async function proxyConfig([word, pod]: readonly string[], work: Work): Promise<Shown> {
  const kind = KINDS.find((each) => each === word || each === `${word}s`);
  if (!kind) throw new UsageError(`debug proxy-config takes one of ${KINDS.join(', ')}, then a pod`);
  const envoy = await envoyCalled(pod, work);
  const name = nameOf(envoy);
  if (kind === 'endpoints') {
    const endpoints = await readAdmin(work.session, adminPage(envoy, '/clusters'), endpointsIn);
    return { data: { pod: name, endpoints }, text: (style) => endpointsTable(endpoints, style) };
  }
  const page = adminPage(envoy, '/config_dump');
  if (kind === 'bootstrap') {
    const bootstrap = await readAdmin(work.session, page, bootstrapIn);
    const data = { pod: name, bootstrap: redactValue(bootstrap) };
    return { data, text: () => `${jsonOf(data, 2)}\n` };
  }
  const dump = await readDump(work.session.cluster, page);
  return { data: { pod: name, [kind]: dump[kind] }, text: (style) => TABLES[kind](dump, style) };
}
