import type { PageQuestion } from '../../cluster/question.ts';
import { redactValue } from '../../cluster/redact.ts';
import { quoteAnswer, textOf, unanswered } from '../../cluster/text.ts';
import { UsageError } from '../../errors.ts';
import { adminPage, nameOf } from '../../evidence/envoy/asked.ts';
import { dumpIn, type EnvoyDump } from '../../evidence/envoy/dump.ts';
import { type Endpoint, endpointsIn } from '../../evidence/envoy/endpoints.ts';
import { columns, jsonOf } from '../../report/columns.ts';
import type { Arguments } from '../options.ts';
import type { Session } from '../session.ts';
import { envoyCalled } from './target.ts';

/** What may be shown of an Envoy’s configuration. */
export const KINDS = ['clusters', 'listeners', 'routes', 'endpoints', 'bootstrap'] as const;
type Kind = (typeof KINDS)[number];

/** A page of the pod's Envoy, read by `parse`. */
export async function readPage<T>(
  session: Session,
  question: PageQuestion,
  parse: (page: string) => T | null,
): Promise<T> {
  const answer = await session.cluster.read(question);
  if (answer.status !== 200)
    throw unanswered(question, 'BadAnswer', `HTTP ${answer.status}: ${await quoteAnswer(answer)}`);
  const page = await textOf(question, answer);
  const parsed = parse(page);
  if (parsed === null)
    throw unanswered(question, 'BadAnswer', `not the page that was asked for: ${page.slice(0, 200)}`);
  return parsed;
}

/** `outbound|9080|v1|reviews.bookinfo.svc.cluster.local` by its parts; another name is all host. */
function partsOf(name: string): { direction: string; port: string; subset: string; host: string } {
  const [direction = '', port, subset, host] = name.split('|');
  return host === undefined
    ? { direction: '-', port: '-', subset: '-', host: name }
    : { direction, port: port || '-', subset: subset || '-', host: host || '-' };
}

const TABLES: Readonly<Record<Exclude<Kind, 'endpoints' | 'bootstrap'>, (dump: EnvoyDump) => string>> = {
  clusters: ({ clusters }) =>
    columns(
      ['SERVICE FQDN', 'PORT', 'SUBSET', 'DIRECTION', 'TYPE', 'DESTINATION RULE'],
      unique(
        clusters.map(({ name, type, rule }) => {
          const { host, port, subset, direction } = partsOf(name);
          return [host, port, subset, direction, type, rule ?? ''];
        }),
      ),
      'No clusters.',
    ),
  listeners: ({ listeners }) =>
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
    ),
  routes: ({ routes }) =>
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
    ),
};

const endpointsTable = (endpoints: readonly Endpoint[]): string =>
  columns(
    ['ENDPOINT', 'STATUS', 'OUTLIER CHECK', 'CLUSTER'],
    endpoints.map(({ address, healthy, outlier, cluster }) => [
      address,
      healthy ? 'HEALTHY' : 'UNHEALTHY',
      outlier ? 'FAILED' : 'OK',
      cluster,
    ]),
    'No endpoints.',
  );

/** Rows in order, each once: a listener has a table of routes for every way into it. */
const unique = (rows: readonly (readonly string[])[]): readonly (readonly string[])[] =>
  [...new Map(rows.map((row) => [row.join('\0'), row])).entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, row]) => row);

/** `debug proxy-config KIND POD`: what istioctl of the release would show, of any release. */
export async function proxyConfig(
  words: readonly string[],
  args: Arguments,
  session: Session,
  json: boolean,
): Promise<string> {
  const [word, pod] = words;
  const kind = KINDS.find((each) => each === word || each === `${word}s`);
  if (!kind) throw new UsageError(`debug proxy-config takes one of ${KINDS.join(', ')}, then a pod`);
  const envoy = await envoyCalled(pod, args, session);
  const name = nameOf(envoy);
  if (kind === 'endpoints') {
    const endpoints = await readPage(session, adminPage(envoy, '/clusters'), endpointsIn);
    return json ? `${jsonOf({ pod: name, endpoints }, 2)}\n` : endpointsTable(endpoints);
  }
  const dump = await readPage(session, adminPage(envoy, '/config_dump'), dumpIn);
  if (kind === 'bootstrap') return `${jsonOf({ pod: name, bootstrap: redactValue(dump.bootstrap) }, 2)}\n`;
  return json ? `${jsonOf({ pod: name, [kind]: dump[kind] }, 2)}\n` : TABLES[kind](dump);
}
