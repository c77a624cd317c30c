import assert from 'node:assert/strict';
import { after, describe } from 'node:test';
import { planeSource } from '../../src/diagnosis/source.ts';
import { historyIn, type Signal, type StoreHistory } from '../../src/evidence/prometheus/history.ts';
import { prometheusServers } from '../../src/evidence/prometheus/server.ts';
import { gatheredFrom } from '../support/gathered.ts';
import { DAY, HOUR, type Line, MINUTE, pastOf } from '../support/past.ts';
import { it } from '../support/programs.ts';
import { launchPrometheus } from '../support/prometheus.ts';

/** Of the store, in seconds since 1970: on a whole minute, so that samples lie where a test says. */
const NOW = Math.floor(Date.now() / 1000 / MINUTE) * MINUTE;

const workload = (name: string, reporter = 'destination') => ({
  reporter,
  destination_workload_namespace: 'shop',
  destination_workload: name,
});

const FAMILIES = ['istio_requests_total', 'istio_tcp_sent_bytes_total'];

const signalOf = (...names: string[]): Signal => ({
  names: FAMILIES,
  matchers: `destination_workload_namespace="shop",destination_workload=~"${names.join('|')}"`,
  by: ['reporter', 'destination_workload_namespace', 'destination_workload'],
  ends: 'absent',
});

const mixer: Signal = {
  names: ['istio_requests_total', 'istio_request_count'],
  matchers: 'job="istio-mesh"',
  by: ['job'],
  ends: 'still',
};

describe('what a real Prometheus remembers', () => {
  /** Started by the first test that needs it. */
  let store: ReturnType<typeof launchPrometheus> | undefined;
  const requests = (name: string, from: number, to: number, every = 15): Line => ({
    name: 'istio_requests_total',
    labels: workload(name),
    from,
    to,
    every,
  });

  const started = (): NonNullable<typeof store> => {
    const past = pastOf(
      [
        { name: 'up', labels: { job: 'kubernetes-pods' }, from: 20 * DAY, to: 0, every: 4 * MINUTE, value: () => 1 },
        ...[
          { pod: 'down-1', port: 15020, until: 2 * HOUR },
          // The application's own target is still up.
          { pod: 'down-1', port: 8080, until: 0 },
          { pod: 'up-1', port: 15020, until: 0 },
        ].map(
          ({ pod, port, until }): Line => ({
            name: 'up',
            labels: { pod, instance: `10.0.0.1:${port}` },
            from: 4 * HOUR,
            to: 0,
            every: 30,
            value: (at) => Number(at <= NOW - until),
          }),
        ),
        requests('alive', 2 * DAY, 0, 2 * MINUTE),
        requests('minutes', 2 * HOUR, 7 * MINUTE),
        requests('hours', 5 * HOUR, 3 * HOUR + 7, 30),
        requests('days', 12 * DAY, 6 * DAY + 5 * HOUR, 2 * MINUTE),
        requests('healed', 5 * HOUR, 4 * HOUR),
        requests('healed', 3 * HOUR, HOUR),
        requests('restarted', 2 * HOUR, 30 * MINUTE),
        { ...requests('restarted', 30 * MINUTE - 15, 0), value: () => 1 },
        // A counter that fell from 500 to 1, with most of a day between of which nothing is there (istio/istio#18161).
        { ...requests('partly', 30 * HOUR, 25 * HOUR, MINUTE), value: () => 500 },
        { ...requests('partly', 4 * HOUR, 0, MINUTE), value: () => 1 },
        requests('half', 3 * HOUR, 0, 30),
        { ...requests('half', 3 * HOUR, 20 * MINUTE, 30), name: 'istio_tcp_sent_bytes_total' },
        {
          ...requests('mixer', 4 * HOUR, 0),
          labels: { job: 'istio-mesh' },
          value: (at) => Math.min(at, NOW - 50 * MINUTE),
        },
      ],
      NOW,
    );
    return launchPrometheus({}, { targets: 0, scrapes: 1, rules: [], past });
  };
  after(async () => (await store?.catch(() => undefined))?.close());

  let asked: string[] = [];
  const remembered = async (...signals: Signal[]): Promise<StoreHistory> => {
    store ??= started();
    const { port } = await store;
    const source = planeSource([], async (ask) => {
      const [server] = (await ask.from(prometheusServers)).asked;
      assert.ok(server);
      asked = [];
      const question = (path: string) => {
        asked.push(path);
        return server.question(path);
      };
      return historyIn(ask, { ...server, question }, signals, NOW, (ended) =>
        signals.every((signal) => ended.some((each) => each.signal === signal)),
      );
    });
    return gatheredFrom(source, `http://127.0.0.1:${port}`);
  };
  /** When a workload's requests end, in seconds before now; null where they go on, and undefined where there are none. */
  const endOf = async (name: string, metric = 'istio_requests_total') => {
    const { traces } = await remembered(signalOf(name));
    const trace = traces.find((each) => each.name === metric);
    return trace?.end && { notBefore: NOW - trace.end.notBefore, at: NOW - trace.end.at };
  };

  it('goes on', async () => {
    assert.equal(await endOf('alive'), null);
  });

  it('ended minutes ago: to a sample', async () => {
    assert.deepEqual(await endOf('minutes'), { notBefore: 7 * MINUTE, at: 7 * MINUTE - 15 });
  });

  it('ended for one workload, and goes on or ended another time for others that were there then', async () => {
    const { traces } = await remembered(signalOf('alive', 'minutes', 'hours', 'healed', 'days'));
    const ends = traces.map(({ labels, end }) => [
      labels.get('destination_workload'),
      end && Math.round((NOW - end.notBefore) / MINUTE),
    ]);
    assert.deepEqual(Object.fromEntries(ends), { alive: null, minutes: 7, hours: 181, healed: 60 });
  });

  it('is the target that is down since then, and not the other of the pod', async () => {
    const up: Signal = { names: ['up'], matchers: 'pod=~".+"', by: ['pod', 'instance'], while: '== 1', ends: 'absent' };
    const { traces, oldest } = await remembered(up, signalOf('never'));
    const ends = traces.map(({ labels, end }) => [labels.get('instance'), labels.get('pod'), end !== null]);
    assert.deepEqual(
      ends.sort((a, b) => String(a).localeCompare(String(b))),
      [
        ['10.0.0.1:15020', 'down-1', true],
        ['10.0.0.1:15020', 'up-1', false],
        ['10.0.0.1:8080', 'down-1', false],
      ],
    );
    const end = traces.find((trace) => trace.end)?.end;
    assert.ok(end);
    // The first that says so was made half a minute later. PromQL tells no sample's time of what is compared, but points.
    const down = NOW - 2 * HOUR + 30;
    assert.ok(end.notBefore < down && end.at >= down, JSON.stringify([down, end]));
    assert.ok(end.at - end.notBefore <= 10, JSON.stringify(end));
    // What it remembers at all is asked beside it.
    assert.ok(oldest && NOW - oldest > 19 * DAY);
  });

  it('ended hours ago', async () => {
    const end = await endOf('hours');
    assert.ok(end);
    assert.equal(end.notBefore, 3 * HOUR + 30);
    assert.equal(end.notBefore - end.at, 30);
  });

  it('ended days ago: to two minutes', async () => {
    const end = await endOf('days');
    assert.ok(end);
    assert.equal(end.notBefore, 6 * DAY + 5 * HOUR);
    assert.equal(end.notBefore - end.at, 2 * MINUTE);
  });

  it('ended, came back, and ended again: the last time counts', async () => {
    assert.deepEqual(await endOf('healed'), { notBefore: HOUR, at: HOUR - 15 });
  });

  it('began anew: a counter that was reset has not ended', async () => {
    assert.equal(await endOf('restarted'), null);
  });

  it('was away for most of a day, began anew and goes on', async () => {
    assert.equal(await endOf('partly'), null);
  });

  it('ended for one metric and goes on for another', async () => {
    assert.equal(await endOf('half'), null);
    assert.deepEqual(await endOf('half', 'istio_tcp_sent_bytes_total'), {
      notBefore: 20 * MINUTE,
      at: 20 * MINUTE - 30,
    });
  });

  it('is nothing, and how far back it remembers is told', async () => {
    const { traces, oldest } = await remembered(signalOf('never'));
    assert.deepEqual(traces, []);
    assert.ok(oldest);
    assert.ok(Math.abs(NOW - oldest - 20 * DAY) <= 3 * HOUR, String(NOW - oldest));
  });

  it('no longer rises, though it goes on being shown', async () => {
    const { traces } = await remembered(mixer);
    const [trace] = traces;
    assert.ok(trace?.end);
    assert.deepEqual(
      [traces.length, trace.name, [...trace.labels]],
      [1, 'istio_requests_total', [['job', 'istio-mesh']]],
    );
    assert.ok(Math.abs(NOW - trace.end.notBefore - 50 * MINUTE) <= 15, String(NOW - trace.end.notBefore));
    assert.ok(trace.end.at > trace.end.notBefore && trace.end.at - trace.end.notBefore <= 15);
  });

  it('is asked for in six queries at most, whatever has ended', async () => {
    await remembered(signalOf('minutes', 'hours', 'days', 'healed', 'half', 'never'), signalOf('never'), mixer);
    assert.ok(asked.length > 2 && asked.length <= 6, String(asked.length));
    assert.ok(asked.every((path) => path.startsWith('/api/v1/query_range?')));
  });
});
