import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe } from 'node:test';
import type { Source } from '../../src/diagnosis/check.ts';
import { firstSyncs, pilotCounts, pilots } from '../../src/evidence/istio/pilot.ts';
import { population } from '../../src/evidence/istio/population.ts';
import { statsFilterTaken } from '../../src/guide/missing-metrics/sidecar/config-delivery/stats-filter-taken.ts';
import { gathered, istiod } from '../support/gathered.ts';
import { NOW, scope } from '../support/judging.ts';
import { ISTIOD, istiodObject, modernMesh, PRODUCTPAGE, productpageObject } from '../support/modern.ts';
import { it } from '../support/programs.ts';
import type { Page } from '../support/recordings.ts';
import { startStandIn } from '../support/stand-in.ts';

const SYNCZ = readFileSync(new URL('../pages/istio-1.31/syncz-refused.json', import.meta.url), 'utf8');
const text = (body: string, status = 200): Page => ({ status, contentType: 'text/plain', body });
const NODE = `${PRODUCTPAGE}.bookinfo`;

/** As istiods before 1.20 write it: a sample of 0 without labels stands beside those that count. */
const METRICS = [
  'pilot_total_xds_rejects{type="lds"} 23',
  'pilot_xds_lds_reject 0',
  `pilot_xds_lds_reject{err="Internal",node="${NODE}"} 1`,
  'pilot_xds_lds_reject{err="Internal",node="sidecar~10.1.0.3~old-0.shop~shop.svc.cluster.local"} 1',
  `pilot_xds_cds_reject{err="Internal",node="cds-0.shop"} 1`,
  '',
].join('\n');

async function withIstiod<T>(syncz: Page, source: Source<T>): Promise<T> {
  const pages = new Map([
    [`istio-system/${ISTIOD}:15014/debug/syncz`, syncz],
    [`istio-system/${ISTIOD}:15014/metrics`, text(METRICS)],
  ]);
  const standIn = await startStandIn({ ...modernMesh(istiodObject(), productpageObject()), pages });
  try {
    return await gathered(source, standIn.kubeconfig);
  } finally {
    await standIn.close();
  }
}

describe('what istiod delivers', () => {
  it('names the proxies that refused listeners, and none by a sample without labels', async () => {
    const [counts] = await withIstiod(text(SYNCZ), pilotCounts);
    assert.ok(counts && 'got' in counts);
    assert.deepEqual([...counts.got.refusing], [NODE, 'old-0.shop']);
    assert.equal(counts.got.rejects.get('lds'), 23);
  });

  it('is told in a proxy’s own words, by the recorded page of a real istiod', async () => {
    const verdict = await withIstiod(text(SYNCZ), {
      of: 'proxies',
      rights: [],
      async gather({ from }) {
        const evidence = {
          population: await from(population),
          pilots: await from(pilots),
          syncs: await from(firstSyncs),
          counts: { got: await from(pilotCounts) },
          loaded: { got: [] },
        };
        return statsFilterTaken.judge(evidence, { plane: istiod, scope, now: NOW });
      },
    });
    assert.deepEqual([verdict.status, 'reason' in verdict && verdict.reason], ['fail', 'StatsFilterRefused']);
    assert.match(
      verdict.message,
      /^1 of 1 proxy refuses the stats filter: 10\.96\.156\.1_15012: Didn't find a registered implementation for 'istio\.stats' with type URL: 'stats\.PluginConfig'$/,
    );
    assert.equal(verdict.subjects?.[0]?.pods[0], PRODUCTPAGE);
  });
});
