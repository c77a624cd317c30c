import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Answer, Cluster } from '../../src/cluster/question/cluster.ts';
import { unanswered } from '../../src/cluster/question/text.ts';
import { Gatherer } from '../../src/diagnosis/gather.ts';
import { type Consumer, consumers } from '../../src/evidence/consumers/consumers.ts';
import { istiod } from '../support/gathered.ts';
import { scope } from '../support/judging.ts';
import { podObject } from '../support/modern.ts';

/** What is told to a Grafana of a Deployment, whose pods mount these ConfigMaps. */
async function found(maps: Readonly<Record<string, string>>, names = ['grafana-1-a']): Promise<readonly Consumer[]> {
  const pods = names.map((name) => {
    const [, hash = ''] = name.split('-');
    const object = podObject(name, {
      namespace: 'istio-system',
      labels: { app: 'grafana', 'pod-template-hash': hash },
      containers: [{ name: 'grafana', image: 'grafana/grafana:12.3.1' }],
    });
    const volumes = Object.keys(maps).map((map) => ({ name: map, configMap: { name: map } }));
    const ownerReferences = [{ kind: 'ReplicaSet', name: `grafana-${hash}` }];
    return { ...object, metadata: { ...object.metadata, ownerReferences }, spec: { ...object.spec, volumes } };
  });
  const cluster = {
    list: async () => pods,
    read: async (question: Parameters<Cluster['read']>[0]): Promise<Answer> => {
      const file = question.ask === 'object' ? maps[question.name] : undefined;
      if (file === undefined) throw unanswered(question as never, 'NotFound', 'no such ConfigMap');
      const body = JSON.stringify({ data: { 'datasources.yaml': file } });
      return {
        status: 200,
        contentType: 'application/json',
        body: (async function* () {
          yield Buffer.from(body);
        })(),
      };
    },
  } as unknown as Cluster;
  const gatherer = new Gatherer({ cluster, scope, now: 0, sleep: () => Promise.resolve() }, () => 0);
  return (await gatherer.gather(consumers, istiod)).evidence as readonly Consumer[];
}

const LOKI = 'datasources: [{name: Loki, type: loki, url: "http://loki:3100"}]';
const STORE = 'datasources: [{name: Prometheus, type: prometheus, url: "http://prometheus:9090"}]';
const urls = ({ asks }: Consumer): readonly string[] => ('got' in asks ? asks.got.map(({ url }) => url) : []);

describe('a Grafana', () => {
  it('is told its stores by whichever ConfigMap names one', async () => {
    const [own, ...more] = await found({ 'datasources-a': LOKI, 'datasources-b': STORE });
    assert.ok(own);
    assert.deepEqual([own.configMap, urls(own), more.length], ['datasources-b', ['http://prometheus:9090'], 0]);
    const [other] = await found({ 'datasources-a': LOKI });
    assert.ok(other);
    assert.deepEqual([other.configMap, other.asks], ['datasources-a', { got: [] }]);
  });

  it('is one while its Deployment goes from one ReplicaSet to the next', async () => {
    assert.deepEqual(
      (await found({ 'datasources-b': STORE }, ['grafana-1-a', 'grafana-2-b', 'grafana-2-c'])).map(({ pod }) => pod),
      ['grafana-1-a'],
    );
  });
});
