import assert from 'node:assert/strict';
import { it } from 'node:test';
import { clustersIn } from '../../../src/evidence/istio/remote-clusters.ts';
import { clustersStored } from '../../../src/guide/missing-metrics/prometheus/clusters.ts';
import { judging } from '../../support/judging.ts';
import { missing } from '../../support/mixer.ts';
import { answer, partly, series, unanswered } from '../../support/stores.ts';

const call = (reporter: string, source: string, destination: string) =>
  series({ reporter, source_cluster: source, destination_cluster: destination });
const known = (id: string, state: string) => ({ id, state, isOwn: id === 'east' });
const [out, back] = [call('source', 'east', 'west'), call('destination', 'west', 'east')];

judging(
  clustersStored,
  [
    {
      when: 'there is one cluster',
      given: { clusters: { got: answer(call('source', 'east', 'unknown')) } },
      status: 'skip',
      says: /one cluster alone is named: east/,
    },
    {
      when: 'no series names one',
      given: { clusters: { got: answer(series({ reporter: 'source' })) } },
      status: 'skip',
      says: /no series names another cluster/,
    },
    { when: 'no store has any', given: { clusters: { got: null } }, status: 'skip', says: /no store/ },
    {
      when: 'both clusters’ proxies are stored',
      given: { clusters: { got: answer(out, call('waypoint', 'west', 'west'), back) } },
      status: 'pass',
      says: /^what proxies of east and west counted$/,
    },
    {
      when: 'one cluster’s own are not',
      given: { clusters: { got: answer(out, back) } },
      status: 'warn',
      reason: 'ClusterNotStored',
      says: /^nothing that proxies of west counted is in pod istio-system\/prometheus-0$/,
    },
    {
      when: 'a waypoint of one cluster counts what it sends to the other',
      given: { clusters: { got: answer(out, call('waypoint', 'east', 'west')) } },
      status: 'warn',
      reason: 'ClusterNotStored',
      says: /^nothing that proxies of west counted/,
    },
    {
      when: 'istiod knows a third that no series names',
      given: {
        clusters: { got: answer(out, call('destination', 'east', 'west')) },
        known: { got: [known('north', 'synced')] },
      },
      status: 'warn',
      reason: 'ClusterNotStored',
      says: /^nothing that proxies of north counted/,
    },
    {
      when: 'istiod knows a second that no series names at all',
      given: {
        clusters: { got: answer(call('source', 'east', 'east')) },
        known: {
          got: [known('east', 'synced'), known('west', 'synced')],
        },
      },
      status: 'warn',
      reason: 'ClusterNotStored',
      says: /^nothing that proxies of west counted/,
    },
    {
      when: 'istiod knows two, and nobody has called anybody',
      given: {
        clusters: { got: answer() },
        known: {
          got: [known('east', 'synced'), known('west', 'synced')],
        },
      },
      status: 'skip',
      says: /no series names a cluster that counted it/,
    },
    {
      when: 'istiod does not see one',
      given: {
        clusters: { got: answer(out, call('destination', 'east', 'west')) },
        known: { got: [known('west', 'timeout')] },
      },
      status: 'warn',
      reason: 'ClusterNotSynced',
      says: /^istiod does not see west \(timeout\)$/,
    },
    {
      when: 'istiod knows one without a name',
      given: {
        clusters: { got: answer(out, call('destination', 'east', 'west')) },
        known: { got: [known('', 'synced')] },
      },
      status: 'pass',
      says: /^what proxies of east and west counted$/,
    },
    {
      when: 'istiod may not be asked',
      given: {
        clusters: { got: answer(out, call('destination', 'east', 'west')) },
        known: { missing: missing() },
      },
      status: 'unknown',
      reason: 'Forbidden',
      says: /^east and west counted; whether istiod sees each cluster/,
    },
    {
      when: 'istiod has no such page',
      given: {
        clusters: { got: answer(out, call('destination', 'east', 'west')) },
        known: { missing: missing('BadAnswer') },
      },
      status: 'pass',
      says: /^what proxies of east and west counted$/,
    },
    {
      when: 'the answer may not be whole',
      given: { clusters: { got: partly(out, back) } },
      status: 'unknown',
      reason: 'PartialAnswer',
      says: /may not be whole/,
    },
    {
      when: 'the store does not answer',
      given: { clusters: { got: unanswered } },
      status: 'unknown',
      reason: 'TimedOut',
      says: /./,
    },
    {
      when: 'no store may be asked',
      given: { clusters: { missing: missing() } },
      status: 'unknown',
      reason: 'Forbidden',
      says: /which clusters/,
    },
  ],
  { known: { got: [] } },
);

it('reads the clusters that istiod knows', () => {
  const page =
    '[{"id":"east","syncStatus":"synced"},{"id":"west","secretName":"istio-system/west","syncStatus":"timeout"}]';
  assert.deepEqual(clustersIn(page), [known('east', 'synced'), known('west', 'timeout')]);
  assert.deepEqual(clustersIn('null'), []);
  assert.equal(clustersIn('404 page not found'), null);
  assert.equal(clustersIn('{}'), null);
});
