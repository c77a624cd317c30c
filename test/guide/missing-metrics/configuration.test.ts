import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ErrorKind } from '../../../src/evidence/mixer/reading.ts';
import { bucketsProblem } from '../../../src/guide/missing-metrics/mixer/buckets.ts';
import { configLoaded, errorChecks, logQuiet } from '../../../src/guide/missing-metrics/mixer/config-errors.ts';
import { resolutionWorks } from '../../../src/guide/missing-metrics/mixer/config-resolution.ts';
import { handlersLoaded, instancesLoaded, rulesLoaded } from '../../../src/guide/missing-metrics/mixer/loaded.ts';
import { attributeManifestsExist, instancesExist } from '../../../src/guide/missing-metrics/mixer/metric-instances.ts';
import {
  handlerExists,
  handlerKnowsInstances,
  handlerLabelsMatch,
  handlerValid,
} from '../../../src/guide/missing-metrics/mixer/prometheus-handler.ts';
import { rulesExist, shippedInstancesSent } from '../../../src/guide/missing-metrics/mixer/rules.ts';
import { judging } from '../../support/judging.ts';
import {
  config,
  errorsOf,
  handler,
  instance,
  listed,
  logs,
  metric,
  missing,
  mixerWith,
  page,
  partly,
  reading,
  rule,
  service,
  unreadPage,
  workloadPod,
} from '../../support/mixer.ts';

const got = <T>(value: T) => ({ got: value });
const mixer = mixerWith();
const all = { rules: config.rules, handlers: got(config.handlers), instances: got(config.instances), mixer };

judging(rulesExist, [
  { when: 'one sends to a Prometheus handler', given: all, status: 'pass', says: /^promhttp$/ },
  {
    when: 'there are others',
    given: { ...all, rules: listed(...config.rules.items, rule('handler.stdio', 'accesslog.logentry')) },
    status: 'pass',
    says: /^promhttp and 1 more$|^promhttp, and|promhttp/,
  },
  {
    when: 'the handler that it names is missing',
    given: { ...all, handlers: got(listed()) },
    status: 'pass',
    says: /promhttp/,
  },
  {
    when: 'the generic handler that it names is missing',
    given: { ...all, rules: listed(rule('prometheus', 'requestcount')), handlers: got(listed()) },
    status: 'pass',
    says: /promhttp/,
  },
  {
    when: 'rules send to other adapters only',
    given: { ...all, rules: listed(rule('handler.stdio', 'accesslog.logentry')) },
    status: 'fail',
    reason: 'RulesMissing',
    says: /none of 1 rule /,
  },
  {
    when: 'there is none',
    given: { ...all, rules: listed() },
    status: 'fail',
    reason: 'RulesMissing',
    says: /none of 0 rules/,
  },
  {
    when: 'the CRD is not there',
    given: { ...all, rules: { ...listed<never>(), served: false } },
    status: 'fail',
    reason: 'RulesMissing',
    says: /CRDs are not installed/,
  },
  {
    when: 'some namespaces could not be listed',
    given: { ...all, rules: partly() },
    status: 'unknown',
    reason: 'Forbidden',
    says: /where rules may be listed/,
  },
  {
    when: 'handlers may not be listed and no rule says Prometheus',
    given: { ...all, rules: listed(rule('mine', 'x')), handlers: { missing: missing() } },
    status: 'unknown',
    reason: 'Forbidden',
    says: /not known/,
  },
  {
    when: 'rules are for one namespace only',
    given: {
      ...all,
      rules: listed({
        ...rule('handler.prometheus.istio-system', 'requestcount.metric.istio-system'),
        namespace: 'bookinfo',
      }),
    },
    status: 'warn',
    reason: 'RulesOfNamespaces',
    says: /only bookinfo\/promhttp: none in istio-system/,
  },
  {
    when: 'its generic handler of another name is missing',
    given: { ...all, rules: listed(rule('meshmetrics', 'requestcount.metric')), handlers: got(listed()) },
    status: 'pass',
    says: /promhttp/,
  },
  {
    when: 'metric instances go elsewhere',
    given: {
      ...all,
      rules: listed(rule('stackdriver', 'requestcount.metric')),
      handlers: got(
        listed(
          handler({
            key: 'stackdriver.handler.istio-system',
            name: 'stackdriver',
            kind: 'handler',
            adapter: 'stackdriver',
          }),
        ),
      ),
    },
    status: 'fail',
    reason: 'RulesMissing',
    says: /metric instances go to stackdriver/,
  },
]);

judging(shippedInstancesSent, [
  {
    when: 'each is',
    given: { ...all, instances: config.instances },
    status: 'pass',
    says: /^rules name all 1 shipped instance$/,
  },
  {
    when: 'one is not',
    given: { ...all, instances: listed(instance(), instance('tcpbytesent')) },
    status: 'fail',
    reason: 'InstanceNotSent',
    says: /no rule sends tcpbytesent/,
  },
  {
    when: 'an instance of the user’s own is not',
    given: { ...all, instances: listed(instance(), instance('mine')) },
    status: 'pass',
    says: /all 1/,
  },
  {
    when: 'no rule sends anything',
    given: { ...all, rules: listed(), instances: config.instances },
    status: 'skip',
    says: /no rule/,
  },
  {
    when: 'a rule elsewhere may send it',
    given: { ...all, rules: partly(...config.rules.items), instances: listed(instance(), instance('tcpbytesent')) },
    status: 'unknown',
    reason: 'Forbidden',
    says: /tcpbytesent/,
  },
]);

const counts = (rules: number) => page({ counts: { attributes: 103, handlers: 1, instances: 1, rules } });
judging(rulesLoaded, [
  {
    when: 'the counts agree',
    given: { rules: config.rules, pages: [counts(1)] },
    status: 'pass',
    says: /kubectl lists 1/,
  },
  {
    when: 'Mixer also counts what is not listed',
    given: { rules: config.rules, pages: [counts(5)] },
    status: 'pass',
    says: /Mixer counts 5 rules, other kinds among them: no fewer than the 1 that kubectl lists/,
  },
  {
    when: 'Mixer has fewer on one of two pods',
    given: { rules: config.rules, pages: [counts(1), counts(0)] },
    status: 'warn',
    reason: 'NotLoaded',
    says: /Mixer has 0 of 1 rule /,
  },
  {
    when: 'one pod was not read',
    given: { rules: config.rules, pages: [counts(1), unreadPage()] },
    status: 'unknown',
    reason: 'Forbidden',
    says: /could not be read/,
  },
  {
    when: 'the old runtime does not count',
    given: {
      rules: config.rules,
      pages: [page({ counts: { attributes: null, handlers: null, instances: null, rules: null } })],
    },
    status: 'skip',
    says: /does not count/,
  },
  {
    when: 'only accepted rules are counted, and one was rejected',
    given: {
      rules: config.rules,
      pages: [
        page({ countsOnlyAccepted: true, errors: errorsOf('rule', 1), counts: { ...reading().counts, rules: 0 } }),
      ],
    },
    status: 'skip',
    says: /accepted/,
  },
  { when: 'no Mixer runs', given: { rules: config.rules, pages: [] }, status: 'skip', says: /no Mixer pod/ },
]);

const allHandlers = { rules: got(config.rules), handlers: config.handlers, instances: got(config.instances), mixer };
judging(handlerExists, [
  { when: 'the rules’ handler is there', given: allHandlers, status: 'pass', says: /prometheus istio-system\/handler/ },
  {
    when: 'it is not',
    given: { ...allHandlers, handlers: listed() },
    status: 'fail',
    reason: 'HandlerMissing',
    says: /^no Prometheus handler; promhttp sends to handler\.prometheus$/,
  },
  {
    when: 'there is neither rule nor handler',
    given: { ...allHandlers, rules: got(listed()), handlers: listed() },
    status: 'fail',
    reason: 'HandlerMissing',
    says: /is configured/,
  },
  {
    when: 'it is of a kind that this Mixer ignores',
    given: { ...allHandlers, handlers: listed(handler({ read: false })) },
    status: 'fail',
    reason: 'HandlerIgnored',
    says: /--useAdapterCRDs=false/,
  },
  {
    when: 'it may be in a namespace that could not be listed',
    given: { ...allHandlers, handlers: partly() },
    status: 'unknown',
    reason: 'Forbidden',
    says: /where handlers may be listed/,
  },
  {
    when: 'rules may not be listed',
    given: { ...allHandlers, rules: { missing: missing() } },
    status: 'unknown',
    reason: 'Forbidden',
    says: /not known/,
  },
  {
    when: 'no rule is seen and not every namespace',
    given: { ...allHandlers, rules: got(listed()), handlers: partly() },
    status: 'unknown',
    reason: 'Forbidden',
    says: /no Prometheus handler/,
  },
]);

judging(handlerKnowsInstances, [
  { when: 'it has a metric for each', given: config, status: 'pass', says: /1 instance/ },
  {
    when: 'instance_name is another namespace’s',
    given: { ...config, handlers: listed(handler({ metrics: [metric('requestcount.metric.default')] })) },
    status: 'fail',
    reason: 'MetricNotConfigured',
    says: /requestcount\.metric\.istio-system/,
  },
  { when: 'nothing is sent', given: { ...config, rules: listed() }, status: 'skip', says: /no instance/ },
]);

judging(handlerLabelsMatch, [
  {
    when: 'they are the same set',
    given: {
      ...config,
      handlers: listed(handler({ metrics: [metric('requestcount.metric.istio-system', ['b', 'a'])] })),
    },
    status: 'pass',
    says: /agree/,
  },
  {
    when: 'they differ only as safeName does',
    given: {
      ...config,
      handlers: listed(handler({ metrics: [metric('requestcount.metric.istio-system', ['a_x', 'b'])] })),
      instances: listed(instance('requestcount', { dimensions: ['a.x', 'b'] })),
    },
    status: 'pass',
    says: /agree/,
  },
  {
    when: 'a label is missing',
    given: { ...config, handlers: listed(handler({ metrics: [metric('requestcount.metric.istio-system', ['a'])] })) },
    status: 'fail',
    reason: 'LabelMismatch',
    says: /lack b/,
  },
  {
    when: 'a label is too much',
    given: {
      ...config,
      handlers: listed(handler({ metrics: [metric('requestcount.metric.istio-system', ['a', 'b', 'c'])] })),
    },
    status: 'fail',
    reason: 'LabelMismatch',
    says: /have c too many/,
  },
  { when: 'there is nothing to compare', given: { ...config, instances: listed() }, status: 'skip', says: /no metric/ },
]);

judging(
  handlerValid,
  [
    { when: 'kind and buckets are right', given: { handlers: config.handlers }, status: 'pass', says: /1 metric/ },
    {
      when: 'the kind is unknown',
      given: { handlers: listed(handler({ metrics: [{ ...metric('x'), kind: '' }] })) },
      status: 'fail',
      reason: 'HandlerInvalid',
      says: /kind UNSPECIFIED/,
    },
    {
      when: 'the buckets cannot be made',
      given: {
        handlers: listed(
          handler({
            metrics: [{ ...metric('x'), kind: 'DISTRIBUTION', buckets: { linearBuckets: { numFiniteBuckets: -1 } } }],
          }),
        ),
      },
      status: 'fail',
      reason: 'HandlerInvalid',
      says: /positive count/,
    },
    {
      when: 'one name has two sets of labels',
      given: { handlers: listed(handler({ metrics: [metric('x', ['a']), metric('y', ['b'])] })) },
      status: 'fail',
      reason: 'HandlerInvalid',
      says: /different labels/,
    },
    { when: 'there is none', given: { handlers: listed() }, status: 'skip', says: /no Prometheus handler/ },
    {
      when: 'a handler that no rule uses cannot be built',
      given: {
        handlers: listed(
          handler(),
          handler({ key: 'scratch.prometheus.x', name: 'scratch', metrics: [{ ...metric('x'), kind: '' }] }),
        ),
      },
      status: 'warn',
      reason: 'UnusedHandlerInvalid',
      says: /scratch/,
    },
  ],
  { rules: got(config.rules) },
);

judging(handlersLoaded, [
  {
    when: 'the counts agree',
    given: { handlers: config.handlers, pages: [page()] },
    status: 'pass',
    says: /1 handlers/,
  },
  {
    when: 'Mixer has fewer',
    given: { handlers: listed(handler(), handler()), pages: [page()] },
    status: 'warn',
    reason: 'NotLoaded',
    says: /1 of 2 handlers/,
  },
  {
    when: 'there is none that Mixer could lack, though it counts one',
    given: { handlers: listed(), pages: [page()] },
    status: 'skip',
    says: /kubectl lists no handlers/,
  },
  {
    when: 'the others are of a kind that Mixer does not read',
    given: { handlers: listed(handler(), handler({ read: false })), pages: [page()] },
    status: 'pass',
    says: /kubectl lists 1/,
  },
]);

const allInstances = { rules: got(config.rules), handlers: got(config.handlers), instances: config.instances };
judging(instancesExist, [
  { when: 'each is there', given: allInstances, status: 'pass', says: /1 instance, each used by a rule/ },
  {
    when: 'one is not sent',
    given: { ...allInstances, instances: listed(instance(), instance('mine')) },
    status: 'pass',
    says: /2 instances, 1 used/,
  },
  {
    when: 'one is missing',
    given: { ...allInstances, instances: listed(instance('other')) },
    status: 'fail',
    reason: 'InstanceMissing',
    says: /1 metric instance missing: requestcount\.metric/,
  },
  {
    when: 'all are of a kind that this Mixer ignores',
    given: { ...allInstances, instances: listed(instance('requestcount', { read: false })) },
    status: 'fail',
    reason: 'InstanceIgnored',
    says: /does not read/,
  },
  {
    when: 'there are neither rules nor instances',
    given: { ...allInstances, rules: got(listed()), instances: listed() },
    status: 'fail',
    reason: 'InstanceMissing',
    says: /is configured/,
  },
  {
    when: 'it may be where nothing could be listed',
    given: { ...allInstances, instances: partly() },
    status: 'unknown',
    reason: 'Forbidden',
    says: /where instances may be listed/,
  },
  {
    when: 'no rule names one and not every namespace is seen',
    given: { ...allInstances, rules: got(listed()), instances: partly() },
    status: 'unknown',
    reason: 'Forbidden',
    says: /no metric instance/,
  },
]);

judging(
  attributeManifestsExist,
  [
    {
      when: 'they are there',
      given: { manifests: listed({ name: 'istioproxy', namespace: 'istio-system' }), mixer },
      status: 'pass',
      says: /istioproxy/,
    },
    {
      when: 'they are in another namespace',
      given: { manifests: listed({ name: 'istioproxy', namespace: 'default' }), mixer },
      status: 'fail',
      reason: 'AttributesMissing',
      says: /no attributemanifest in istio-system/,
    },
    {
      when: 'they may not be listed everywhere',
      given: { manifests: partly(), mixer },
      status: 'unknown',
      reason: 'Forbidden',
      says: /not allowed/,
    },
    {
      when: 'Mixer knows attributes from other namespaces',
      given: { manifests: listed({ name: 'istioproxy', namespace: 'x' }), mixer, pages: { got: [page()] } },
      status: 'pass',
      says: /103 attributes/,
    },
  ],
  { pages: { missing: missing() } as const },
);

judging(instancesLoaded, [
  {
    when: 'the counts agree',
    given: { instances: config.instances, pages: [page()] },
    status: 'pass',
    says: /2 instances/,
  },
  {
    when: 'Mixer has fewer',
    given: { instances: listed(instance(), instance('b'), instance('c')), pages: [page()] },
    status: 'warn',
    reason: 'NotLoaded',
    says: /2 of 3/,
  },
]);

const REASONS: Record<string, { kind: ErrorKind; reason: string; status: 'fail' | 'warn' }> = {
  'no-rule-errors': { kind: 'rule', reason: 'RuleErrors', status: 'fail' },
  'no-match-errors': { kind: 'match', reason: 'MatchErrors', status: 'fail' },
  'no-instance-errors': { kind: 'instance', reason: 'InstanceErrors', status: 'fail' },
  'no-unsatisfied-handler-errors': { kind: 'unsatisfied-handler', reason: 'UnsatisfiedHandlers', status: 'fail' },
  'no-handler-build-errors': { kind: 'handler-build', reason: 'HandlerBuildFailures', status: 'fail' },
  'no-handler-validation-errors': { kind: 'handler-validation', reason: 'HandlerValidationErrors', status: 'warn' },
  'no-adapter-errors': { kind: 'adapter', reason: 'AdapterErrors', status: 'warn' },
  'no-template-errors': { kind: 'template', reason: 'TemplateErrors', status: 'warn' },
};
for (const check of errorChecks) {
  const { kind, reason, status } = REASONS[check.id] ?? { kind: 'rule', reason: '', status: 'fail' };
  judging(
    check,
    [
      { when: 'it is zero', given: { pages: [page()], logs: { got: [] } }, status: 'pass', says: /^no / },
      {
        when: 'it is not',
        given: { pages: [page({ errors: errorsOf(kind, 2) })], logs: { got: [] } },
        status,
        reason,
        says: /^2 .* at configID 1/,
      },
      {
        when: 'one of two pods has some',
        given: { pages: [page(), page({ errors: errorsOf(kind, 1), configId: null })], logs: { missing: missing() } },
        status,
        reason,
        says: /on 1 of 2 Mixer pods/,
      },
      {
        when: 'it is not exported',
        given: { pages: [page({ errors: errorsOf(kind, null) })], logs: { got: [] } },
        status: 'skip',
        says: /does not export/,
      },
      {
        when: 'one pod was not read',
        given: { pages: [page(), unreadPage('TimedOut')], logs: { got: [] } },
        status: 'unknown',
        reason: 'TimedOut',
        says: /could not be read/,
      },
    ],
    { rules: got(config.rules) },
  );
}

describe('errors of other adapters’ configuration', () => {
  it('warn, where metrics are sent all the same and the log names others', () => {
    const check = errorChecks.find(({ id }) => id === 'no-match-errors');
    const given = (line: string) => ({
      pages: [page({ errors: errorsOf('match', 1) })],
      logs: { got: logs(['MatchUncompiled', line]) },
      rules: got(config.rules),
    });
    const context = {
      plane: { generation: 'mixer', namespace: 'istio-system', revision: null, version: '1.0.6' } as const,
      scope: {} as never,
      now: 0,
    };
    const line = (name: string): string =>
      `Unable to compile match condition expression: 'x', rule='${name}.rule.istio-system'`;
    assert.equal(check?.judge(given(line('denycheck')), context).status, 'warn');
    assert.equal(check?.judge(given(line('promhttp')), context).status, 'fail');
  });
});

describe('no-match-errors', () => {
  const check = errorChecks.find(({ id }) => id === 'no-match-errors');
  it('names the rule and opens it, where the log names it', () => {
    const line =
      "2018-01-01T00:00:00Z warn Unable to compile match condition expression: 'unknown attribute x', rule='promhttp.rule.istio-system', expression='x'";
    const verdict = check?.judge(
      {
        pages: [page({ errors: errorsOf('match', 1) })],
        logs: { got: logs(['MatchUncompiled', line]) },
        rules: got(config.rules),
      },
      {
        plane: { generation: 'mixer', namespace: 'istio-system', revision: null, version: '1.0.6' },
        scope: {} as never,
        now: 0,
      },
    );
    assert.match(verdict?.message ?? '', /unknown attribute x/);
    assert.equal(
      verdict && 'hint' in verdict ? verdict.hint : '',
      'kubectl -n istio-system edit rules.config.istio.io promhttp',
    );
  });
});

judging(configLoaded, [
  { when: 'there is one', given: { pages: [page()] }, status: 'pass', says: /^no known errors at configID 1$/ },
  {
    when: 'there is one with errors, of which it says nothing',
    given: { pages: [page(), page({ errors: errorsOf('rule', 4) })] },
    status: 'pass',
    says: /^loaded: configID 1$/,
  },
  {
    when: 'there is one without a number',
    given: { pages: [page({ configId: null })] },
    status: 'pass',
    says: /^no known errors; 1 rules accepted$/,
  },
  {
    when: 'a pod has none',
    given: { pages: [page(), page({ configLoaded: false, configId: 0 })] },
    status: 'fail',
    reason: 'ConfigNotLoaded',
    says: /1 Mixer pod of 2/,
  },
  {
    when: 'one pod was not read',
    given: { pages: [page(), unreadPage()] },
    status: 'unknown',
    reason: 'Forbidden',
    says: /could not be read/,
  },
  {
    when: 'the old runtime does not tell',
    given: { pages: [page({ counts: { attributes: null, handlers: null, instances: null, rules: null } })] },
    status: 'skip',
    says: /does not count/,
  },
]);

judging(logQuiet, [
  {
    when: 'no such line is there',
    given: { logs: logs(['RuleDropped', 'No valid actions found in rule']) },
    status: 'pass',
    says: /no such line/,
  },
  {
    when: 'an adapter panicked',
    given: { logs: logs(['AdapterPanics', '2026-11-22T01:47:42.029235Z error panic during handler dispatch: x']) },
    status: 'warn',
    reason: 'SilentFaults',
    says: /panic during handler dispatch: x/,
  },
  {
    when: 'the log may not be read',
    given: { logs: [{ pod: 'a', log: { missing: missing() } }] },
    status: 'unknown',
    reason: 'Forbidden',
    says: /could not be read/,
  },
  { when: 'no Mixer runs', given: { logs: [] }, status: 'skip', says: /no Mixer pod/ },
]);

const resolved = (target: string, failed: boolean, count = 5) => ({ target, failed, count });
const details = 'details.default.svc.cluster.local';
const narrowed = {
  workload: { kind: 'service' as const, name: 'details', namespace: 'default' },
  found: true,
  pods: [workloadPod('details', true)],
  services: [service('details', { namespace: 'default' })],
  named: null,
};
judging(resolutionWorks, [
  {
    when: 'each service resolves',
    given: { pages: [page({ resolutions: [resolved(details, false)] })], narrowed: null },
    status: 'pass',
    says: /1 service resolved/,
  },
  {
    when: 'one service has errors only',
    given: { pages: [page({ resolutions: [resolved(details, true)] })], narrowed: null },
    status: 'fail',
    reason: 'ResolutionFails',
    says: /only errors for details/,
  },
  {
    when: 'one service has errors and successes',
    given: { pages: [page({ resolutions: [resolved(details, true), resolved(details, false)] })], narrowed },
    status: 'pass',
    says: /details/,
  },
  {
    when: 'the asked service is not among them',
    given: { pages: [page({ resolutions: [resolved('x.default.svc', true)] })], narrowed },
    status: 'skip',
    says: /no such service/,
  },
  {
    when: 'Mixer does not export it',
    given: { pages: [page()], narrowed: null },
    status: 'skip',
    says: /Mixer 1\.0\.6 does not export it/,
  },
  {
    when: 'the page was not read',
    given: { pages: [unreadPage()], narrowed: null },
    status: 'unknown',
    reason: 'Forbidden',
    says: /could not be read/,
  },
]);

describe('bucketsProblem', () => {
  const cases: readonly [unknown, RegExp | null][] = [
    [{ linearBuckets: { numFiniteBuckets: 3, width: 2, offset: 0 } }, null],
    [{ linear_buckets: { num_finite_buckets: 3, width: 0 } }, /positive width/],
    [{ exponentialBuckets: { numFiniteBuckets: 8, scale: 1, growthFactor: 10 } }, null],
    [{ exponential_buckets: { num_finite_buckets: 8, scale: 0, growth_factor: 10 } }, /positive scale/],
    [{ exponentialBuckets: { numFiniteBuckets: 0, scale: 1, growthFactor: 2 } }, /positive count/],
    [{ exponentialBuckets: { numFiniteBuckets: 8, scale: 1, growthFactor: 1 } }, /growth factor/],
    [{ explicit_buckets: { bounds: [1, 2, 3] } }, null],
    [{ explicitBuckets: { bounds: [1, 3, 2] } }, /must grow/],
    ['nonsense', null],
  ];
  for (const [buckets, problem] of cases) {
    it(`${problem ? 'refuses' : 'takes'} ${JSON.stringify(buckets)}`, () => {
      const said = bucketsProblem(buckets);
      if (problem) assert.match(said ?? '', problem);
      else assert.equal(said, null);
    });
  }
});
