import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Ask } from '../../src/diagnosis/check.ts';
import { settled } from '../../src/evidence/istio/emitters.ts';
import { ofOthers } from '../../src/evidence/istio/remote-clusters.ts';
import type { Pod } from '../../src/evidence/kubernetes/pod.ts';
import { judgesConnections } from '../../src/evidence/prometheus/by-service.ts';
import { areApart } from '../../src/evidence/prometheus/falling.ts';
import { areOfNow } from '../../src/evidence/prometheus/newest.ts';
import { type Series, summedBy } from '../../src/evidence/prometheus/query.ts';
import { allSeries, type StoreAnswer } from '../../src/evidence/prometheus/store.ts';
import { NOW } from '../support/judging.ts';
import { listed, missing } from '../support/mixer.ts';
import { answer, partly, proxied, series, unanswered } from '../support/stores.ts';

/** What spares the stores their dearest questions: only what proves that their answers would be empty. */

const [cart, web] = [proxied('cart'), proxied('web')];
const pods = [cart, web];
const loaded = (...of: readonly { ip: string | null }[]): Series[] =>
  of.map(({ ip }) => series({ component: 'proxy', instance: `${ip}:15020` }));
const at = (age: number, now = NOW): Series => series({}, (now - age) / 1000, now);
const hour = 3_600_000;

it('series are awaited of pods that are three minutes old', async () => {
  const [young, old] = [proxied('young', { startedAt: NOW - 179_000 }), proxied('old', { startedAt: NOW - 180_000 })];
  const settledOf = (all: readonly Pod[]): Promise<readonly Pod[]> =>
    settled.gather({ from: async () => all, now: NOW } as unknown as Ask);
  assert.deepEqual(await settledOf([young, cart, old]), [cart, old]);
  const all = [cart, old];
  assert.equal(await settledOf(all), all);
});

describe('samples of six hours are asked for', () => {
  const isSpared = (filters: Parameters<typeof areOfNow>[1], ages: Parameters<typeof areOfNow>[2]): boolean =>
    areOfNow(pods, filters, ages);

  it('not where each proxy has one of now', () => {
    assert.equal(isSpared([answer(...loaded(cart, web))], [answer(at(15_000))]), true);
    assert.equal(
      isSpared([answer(...loaded(cart)), answer(...loaded(web))], [answer(at(15_000)), answer(at(0))]),
      true,
    );
  });
  it('where one has none', () => {
    assert.equal(isSpared([answer(...loaded(cart))], [answer(at(15_000))]), false);
    assert.equal(isSpared([answer()], [answer()]), false);
  });
  it('where the store finds old ones, by its own clock', () => {
    assert.equal(isSpared([answer(...loaded(cart, web))], [answer(at(6 * 60_000))]), false);
    assert.equal(isSpared([answer(...loaded(cart, web))], [answer(at(15_000)), answer(at(hour))]), false);
    assert.equal(isSpared([answer(...loaded(cart, web))], [answer(at(15_000, NOW - hour))]), true);
  });
  it('where a store does not say, or says what is no time', () => {
    assert.equal(isSpared([answer(...loaded(cart, web))], [unanswered]), false);
    assert.equal(isSpared([answer(...loaded(cart, web))], [answer(series({}, Number.NaN))]), false);
  });
});

describe('counters that fall are asked for', () => {
  const named = (labels: Record<string, string>, of = pods): StoreAnswer =>
    answer(...of.map(({ namespace, name }) => series({ ...labels, namespace, pod: name })));
  const [filters, counted] = [named({ component: 'proxy' }), named({ reporter: 'source' })];
  const and = (given: StoreAnswer, ...more: readonly Series[]): StoreAnswer => answer(...allSeries([given]), ...more);
  const isSpared = (own = filters, counts = counted): boolean => areApart(pods, listed(...pods), own, counts);

  it('not where each proxy has series of its own, and nobody else has any', () => {
    assert.equal(isSpared(), true);
  });
  it('where a proxy has none', () => {
    assert.equal(isSpared(named({ component: 'proxy' }, [cart])), false);
    assert.equal(isSpared(answer()), false);
  });
  it('where an answer is missing, or not whole', () => {
    for (const odd of [unanswered, partly(), partly(...allSeries([counted]))]) {
      assert.equal(isSpared(odd), false);
      assert.equal(isSpared(filters, odd), false);
    }
    assert.equal(isSpared({ ...filters, partial: ['a store is down'] }), false);
  });
  it('where series are of no pod, of nobody’s here, or known by their address only', () => {
    assert.equal(isSpared(filters, and(counted, series({ reporter: 'source' }))), false);
    assert.equal(isSpared(and(filters, series({ component: 'proxy' }))), false);
    assert.equal(isSpared(and(filters, series({ component: 'proxy', namespace: 'bookinfo', pod: 'far-1' }))), false);
    assert.equal(isSpared(and(filters, ...loaded({ ip: '10.96.0.7' }))), false);
    assert.equal(isSpared(answer(...loaded(cart, web))), false);
  });
  it('where not all pods are known, or none is to be judged', () => {
    const some = { ...listed(...pods), complete: false, refusal: missing('Forbidden') };
    assert.equal(areApart(pods, some, filters, counted), false);
    assert.equal(areApart([], listed(), answer(), answer()), false);
  });
});

describe('connections are asked for', () => {
  const [sidecar, gateway] = [proxied('cart'), proxied('gateway')].map((pod, index) => ({
    pod,
    kind: index === 0 ? ('sidecar' as const) : ('gateway' as const),
    container: pod.containers[0] ?? assert.fail(),
  }));
  const built = (component: string, tag: string): StoreAnswer => answer(series({ component, tag }));

  it('where there is a sidecar, or a proxy that counts late', () => {
    assert.equal(
      judgesConnections(
        [gateway, sidecar].flatMap((each) => each ?? []),
        [],
      ),
      true,
    );
    assert.equal(judgesConnections([], [built('proxy', '1.31.0'), built('proxy', '1.22.0')]), true);
  });
  it('not where gateways alone are beside ztunnels', () => {
    assert.equal(judgesConnections(gateway ? [gateway] : [], [built('proxy', '1.31.0'), unanswered]), false);
    assert.equal(judgesConnections([], [built('ztunnel', '1.22.0')]), false);
  });
});

it('series of another cluster are found by what istiod calls its own', () => {
  const of = '{__name__=~"istio_requests_total|istio_tcp_connections_opened_total",';
  const by = 'group by (reporter, source_cluster, destination_cluster)';
  assert.equal(
    ofOthers('a.b"'),
    `${by} (${of}source_cluster!~"a\\\\.b\\"|unknown|"}) or ${by} (${of}destination_cluster!~"a\\\\.b\\"|unknown|"})`,
  );
});

describe('a sum by fewer labels', () => {
  const edge = (source: string, target: string, value: number): Series =>
    series({ source, target, reporter: 'x' }, value);
  const sums = (...names: readonly string[]): unknown =>
    summedBy([edge('a', 'b', 1), edge('a', 'c', 2), edge('', 'c', 4)], names).map(({ labels, value }) => [
      Object.fromEntries(labels),
      value,
    ]);

  it('adds what is alike, and leaves out empty labels', () => {
    assert.deepEqual(sums('reporter', 'source'), [
      [{ reporter: 'x', source: 'a' }, 3],
      [{ reporter: 'x' }, 4],
    ]);
    assert.deepEqual(sums('target'), [
      [{ target: 'b' }, 1],
      [{ target: 'c' }, 6],
    ]);
    assert.deepEqual(summedBy([], ['source']), []);
  });
});
