import type { Namespace } from '../../../src/evidence/kubernetes/lists.ts';
import type { Pod } from '../../../src/evidence/kubernetes/pod.ts';
import { databasesAreNotHttp } from '../../../src/guide/headless-tcp/databases.ts';
import { hostOf } from '../../../src/istio/hosts.ts';
import { registryOf } from '../../../src/istio/services.ts';
import { viewOf } from '../../../src/istio/view.ts';
import { judging } from '../../support/judging.ts';
import { container, listed, missing, partly, pod, port, service } from '../../support/mixer.ts';
import { calls, redis, redisPod } from '../../support/tcp.ts';

const web = service('web', { ports: [port('http', 6379)], selector: { app: 'web' } });
const named = (image: string, name = 'app') => ({
  got: listed(pod({ namespace: 'bookinfo', labels: { app: 'web' }, containers: [container(name, image)] })),
});
/** A caller of which every Service of these names is known. */
const knowing = (...names: readonly string[]) => {
  const registry = registryOf(
    names.map((name) => ({
      name,
      namespace: 'bookinfo',
      host: hostOf({ name, namespace: 'bookinfo' }),
      exportTo: [],
      createdAt: 0,
      ports: [3306, 6379, 13306],
      http: [],
      kind: 'Service' as const,
      endpoints: null,
    })),
  );
  return { callers: { got: [viewOf({ ...calls.routing, registry }, { namespace: 'bookinfo', labels: {} })] } };
};
const nobody = { callers: { got: [] } };
const mysql = service('mysql', { ports: [port('http-mysql', 3306)] });
const behindMysql = (proxied: boolean, change: Partial<Pod> = {}) => ({
  pods: { got: listed(redisPod(proxied, { labels: { app: 'mysql' }, ...change })) },
});

judging(
  databasesAreNotHttp,
  [
    { when: 'they are not', given: { services: listed(redis) }, status: 'pass', says: /1 port: bookinfo\/redis/ },
    {
      when: 'one is',
      given: { services: listed(service('mysql', { ports: [port('http-db', 3306)] })) },
      status: 'fail',
      reason: 'DatabaseIsHttp',
      says: /bookinfo\/mysql port http-db \(3306, MySQL’s\) is HTTP/,
    },
    {
      when: 'there is none',
      given: { services: listed(service('web', { ports: [port('http', 8080)] })) },
      status: 'skip',
      says: /no Service has a port/,
    },
    {
      when: 'not every Service was seen',
      given: { services: partly() },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every Service/,
    },
    {
      when: 'nothing but the number says so',
      given: { services: listed(web), pods: named('registry.example/mongo/team/web:redis') },
      status: 'warn',
      reason: 'MaybeDatabaseIsHttp',
      says: /bookinfo\/web port http \(6379, Redis’s\) is HTTP/,
    },
    {
      when: 'an image says so',
      given: { services: listed(web), pods: named('registry.example:5000/library/redis@sha256:0') },
      status: 'fail',
      reason: 'DatabaseIsHttp',
      says: /bookinfo\/web/,
    },
    {
      when: 'a container says so',
      given: { services: listed(web), pods: named('own:1', 'redis-master') },
      status: 'fail',
      reason: 'DatabaseIsHttp',
      says: /bookinfo\/web/,
    },
    {
      when: 'the port says so',
      given: { services: listed(service('web', { ports: [port('http-mysql', 3306)] })), pods: { missing: missing() } },
      status: 'fail',
      reason: 'DatabaseIsHttp',
      says: /bookinfo\/web/,
    },
    {
      when: 'only the pods could say so, and cannot be seen',
      given: { services: listed(web), pods: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /whether bookinfo\/web is a database/,
    },
    {
      when: 'its port leads to that of a database',
      given: {
        services: listed(service('mysql', { ports: [port('http-mysql', 13306, { targetPort: 3306 })] })),
      },
      status: 'fail',
      reason: 'DatabaseIsHttp',
      says: /bookinfo\/mysql port http-mysql \(13306 to 3306, MySQL’s\) is HTTP/,
    },
    {
      when: 'it leads there by a name',
      given: {
        services: listed(service('mysql', { ports: [port('http', 13306, { targetPort: 'redis' })] })),
        ...behindMysql(true),
      },
      status: 'fail',
      reason: 'DatabaseIsHttp',
      says: /\(13306 to 6379, Redis’s\)/,
    },
    {
      when: 'where a name leads cannot be seen',
      given: {
        services: listed(service('web', { ports: [port('http', 13306, { targetPort: 'redis' })] })),
        pods: { missing: missing() },
      },
      status: 'unknown',
      reason: 'Forbidden',
      says: /where bookinfo\/web leads/,
    },
    {
      when: 'no proxy reads it',
      given: { services: listed(mysql), ...nobody },
      status: 'skip',
      says: /no proxy reads the ports of databases: bookinfo\/mysql/,
    },
    {
      when: 'the callers know other Services only',
      given: { services: listed(mysql), ...knowing('web') },
      status: 'skip',
      says: /no proxy reads/,
    },
    {
      when: 'ztunnel carries it',
      given: {
        services: listed(mysql),
        ...nobody,
        ...behindMysql(false, { annotations: { 'ambient.istio.io/redirection': 'enabled' } }),
      },
      status: 'skip',
      says: /no proxy reads/,
    },
    {
      when: 'only its own pod’s sidecar reads it',
      given: { services: listed(mysql), ...nobody, ...behindMysql(true) },
      status: 'fail',
      reason: 'DatabaseIsHttp',
      says: /bookinfo\/mysql/,
    },
    {
      when: 'its pod keeps the port from the sidecar',
      given: {
        services: listed(mysql),
        ...nobody,
        ...behindMysql(true, { annotations: { 'traffic.sidecar.istio.io/excludeInboundPorts': '3306' } }),
      },
      status: 'skip',
      says: /no proxy reads/,
    },
    {
      when: 'its namespace has a waypoint',
      given: {
        services: listed(mysql),
        ...nobody,
        namespaces: { got: listed({ name: 'bookinfo', labels: { 'istio.io/use-waypoint': 'waypoint' } }) },
      },
      status: 'fail',
      reason: 'DatabaseIsHttp',
      says: /bookinfo\/mysql/,
    },
    {
      when: 'it is bound to no waypoint',
      given: {
        services: listed({
          ...mysql,
          labels: { 'istio.io/use-waypoint': 'gone' },
          waypoint: { bound: false, message: 'gone', since: null },
        }),
        ...nobody,
      },
      status: 'skip',
      says: /no proxy reads/,
    },
    {
      when: 'who calls is not known',
      given: { services: listed(mysql), callers: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /whether a proxy reads bookinfo\/mysql/,
    },
    {
      when: 'who calls is not known, and none is called HTTP',
      given: { services: listed(redis), callers: { missing: missing() } },
      status: 'pass',
      says: /1 port/,
    },
    {
      when: 'not every namespace was seen',
      given: { services: listed(mysql), ...nobody, namespaces: { got: partly<Namespace>() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /whether a proxy reads/,
    },
    {
      when: 'the port is UDP',
      given: { services: listed(service('web', { ports: [port('http', 6379, { protocol: 'UDP' })] })) },
      status: 'skip',
      says: /no Service has a port/,
    },
  ],
  {
    pods: { got: listed<Pod>() },
    namespaces: { got: listed<Namespace>() },
    ...knowing('redis', 'mysql', 'web'),
  },
);
