import type { StatefulSet } from '../../../src/evidence/kubernetes/stateful-sets.ts';
import { statefulSetsAreHeadless } from '../../../src/guide/headless-tcp/stateful-sets.ts';
import { judging } from '../../support/judging.ts';
import { listed, missing, partly, service } from '../../support/mixer.ts';
import { redisPod } from '../../support/tcp.ts';

const owner = { kind: 'StatefulSet', name: 'redis' };
const own = redisPod(true, { owner });
const set = (change: Partial<StatefulSet> = {}): StatefulSet => ({
  name: 'redis',
  namespace: 'bookinfo',
  replicas: 3,
  serviceName: 'redis',
  ...change,
});
const plain = service('redis');
const headless = service('redis-peers', { headless: true, selector: { app: 'redis' } });

judging(
  statefulSetsAreHeadless,
  [
    {
      when: 'their Service is headless',
      given: { services: listed({ ...headless, name: 'redis' }) },
      status: 'pass',
      says: /^1 StatefulSet: bookinfo\/redis$/,
    },
    {
      when: 'it does not exist',
      given: { services: listed() },
      status: 'warn',
      reason: 'HeadlessServiceMissing',
      says: /^bookinfo\/redis names Service redis, which does not exist$/,
    },
    {
      when: 'it lies in another namespace',
      given: { services: listed({ ...headless, name: 'redis', namespace: 'shop' }) },
      status: 'warn',
      reason: 'HeadlessServiceMissing',
      says: /does not exist/,
    },
    {
      when: 'it has an address of its own',
      given: { services: listed(plain) },
      status: 'warn',
      reason: 'ServiceNotHeadless',
      says: /^bookinfo\/redis names Service redis, which is not headless$/,
    },
    {
      when: 'it has, though another is headless for the same pods',
      given: { services: listed(plain, headless) },
      status: 'warn',
      reason: 'ServiceNotHeadless',
      says: /which is not headless/,
    },
    {
      when: 'it is headless for other pods',
      given: { services: listed({ ...headless, name: 'redis', selector: { app: 'other' } }) },
      status: 'warn',
      reason: 'ServiceSelectsNone',
      says: /^bookinfo\/redis names Service redis, which selects none of its pods$/,
    },
    {
      when: 'it is headless for some of the pods',
      given: {
        services: listed({ ...headless, name: 'redis', selector: { app: 'redis', role: 'main' } }),
        pods: listed(own, redisPod(true, { owner, name: 'redis-2', labels: { app: 'redis', role: 'main' } })),
      },
      status: 'pass',
      says: /1 StatefulSet/,
    },
    {
      when: 'its endpoints are kept by hand',
      given: { services: listed({ ...headless, name: 'redis', selector: {} }) },
      status: 'pass',
      says: /1 StatefulSet/,
    },
    {
      when: 'there is one pod',
      given: { sets: listed(set({ replicas: 1 })), services: listed() },
      status: 'skip',
      says: /no StatefulSet of several pods/,
    },
    {
      when: 'no Service is named',
      given: { sets: listed(set({ serviceName: '' })), services: listed() },
      status: 'skip',
      says: /no StatefulSet of several pods/,
    },
    {
      when: 'its pods have no sidecar',
      given: { pods: listed(redisPod(false, { owner })), services: listed() },
      status: 'skip',
      says: /with a sidecar/,
    },
    {
      when: 'another namespace was asked for',
      given: { services: listed() },
      scope: { namespace: 'shop' },
      status: 'skip',
      says: /no StatefulSet/,
    },
    {
      when: 'not every Service was seen',
      given: { services: { ...listed(), refusal: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not every Service/,
    },
    {
      when: 'not every StatefulSet was seen',
      given: { sets: partly<StatefulSet>(), services: listed(headless) },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not allowed/,
    },
  ],
  { sets: listed(set()), pods: listed(own) },
);
