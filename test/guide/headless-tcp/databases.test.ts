import type { Pod } from '../../../src/evidence/pod.ts';
import { databasesAreNotHttp } from '../../../src/guide/headless-tcp/databases.ts';
import { judging } from '../../support/judging.ts';
import { container, listed, missing, partly, pod, port, service } from '../../support/mixer.ts';
import { redis } from '../../support/tcp.ts';

const web = service('web', { ports: [port('http', 6379)], selector: { app: 'web' } });
const named = (image: string, name = 'app') => ({
  got: listed(pod({ namespace: 'bookinfo', labels: { app: 'web' }, containers: [container(name, image)] })),
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
      when: 'the port is UDP',
      given: { services: listed(service('web', { ports: [port('http', 6379, { protocol: 'UDP' })] })) },
      status: 'skip',
      says: /no Service has a port/,
    },
  ],
  { pods: { got: listed<Pod>() } },
);
