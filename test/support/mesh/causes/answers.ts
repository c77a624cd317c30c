import { type Expectation, STEPS } from '../expectation.ts';
import type { OtherAnswer } from '../plan.ts';
import { type Cause, changed } from './cause.ts';

/** The healthy shop, whose store answers this instead. */
const answering = (name: string, others: OtherAnswer[], expect: Expectation): Cause => ({
  name,
  facts: 'product.md 9',
  spec: changed((spec) => {
    spec.prometheus.others = others;
  }),
  expect,
});

/** What could not be looked at is neither green nor red. */
const unseen: Expectation = {
  verdict: 'inconclusive',
  exitCode: 3,
  hop: null,
  step: null,
  reason: [],
  neverPass: ['stored'],
  neverFail: STEPS,
};

const EMPTY = JSON.stringify({ status: 'success', data: { resultType: 'vector', result: [] } });
const REFUSED = JSON.stringify({
  status: 'error',
  errorType: 'execution',
  error: 'query processing would load too many samples',
});

/** A store that is no whole Prometheus, or does not let one in. */
export const answerCauses: readonly Cause[] = [
  answering('asks who one is', [{ match: /./, status: 401, contentType: 'text/plain', body: 'Unauthorized' }], unseen),
  answering(
    'shows a page to sign in',
    [{ match: /./, status: 200, contentType: 'text/html', body: '<html><title>Sign in</title></html>' }],
    unseen,
  ),
  answering('refuses each query', [{ match: /^\/api\/v1\/query\?/, status: 422, body: REFUSED }], unseen),
  answering(
    'knows no targets',
    [{ match: /^\/api\/v1\/(targets|status)/, status: 404, contentType: 'text/plain', body: '404 page not found' }],
    { ...unseen, verdict: ['healthy', 'inconclusive'], exitCode: [0, 3], neverPass: [] },
  ),
  // Its targets are up, and it has nothing: that may be blamed, and never be called well.
  answering('has an empty answer to each query', [{ match: /^\/api\/v1\/query\?/, status: 200, body: EMPTY }], {
    ...unseen,
    verdict: ['inconclusive', 'broken'],
    exitCode: [3, 1],
    hop: [null, 'page->prometheus', 'proxy->page'],
    step: [null, 'stored', 'proxy-emits'],
    neverFail: ['in-mesh', 'telemetry-config', 'config-delivery', 'scrape', 'consumers'],
  }),
];
