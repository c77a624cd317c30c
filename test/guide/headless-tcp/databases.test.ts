import { databasesAreNotHttp } from '../../../src/guide/headless-tcp/databases.ts';
import { judging } from '../../support/judging.ts';
import { listed, partly, port, service } from '../../support/mixer.ts';
import { redis } from '../../support/tcp.ts';

judging(databasesAreNotHttp, [
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
]);
