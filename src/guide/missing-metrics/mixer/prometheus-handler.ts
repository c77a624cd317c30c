import { shellLine } from '../../../cluster/question/shell.ts';
import { defineCheck, type Step } from '../../../diagnosis/check.ts';
import { attempt } from '../../../diagnosis/source.ts';
import { count, skip, some, unknown } from '../../../diagnosis/verdict.ts';
import { type Handler, mixerHandlers, mixerInstances, mixerRules } from '../../../evidence/mixer/config.ts';
import { mixer } from '../../../evidence/mixer/pods.ts';
import { metricsActions, ruleName, safeName } from '../../../evidence/mixer/references.ts';
import { bucketsProblem } from './buckets.ts';
import { CONFIGURATION_IN_08, docsOf } from './docs.ts';
import { applyNewKinds, applyShipped, handlerFor } from './shipped.ts';
import { PROMETHEUS_HANDLER } from './steps.ts';

const edit = ({ kind, namespace, name }: Handler): string =>
  shellLine(
    'kubectl',
    '-n',
    namespace,
    'edit',
    `${kind === 'prometheus' ? 'prometheuses' : 'handlers'}.config.istio.io`,
    name,
  );

const shown = ({ kind, namespace, name }: Handler): string => `${kind} ${namespace}/${name}`;

export const handlerExists = defineCheck({
  id: 'prometheus-handler-exists',
  title: 'a Prometheus handler is configured',
  explains:
    'Looks for the handler that each metrics rule names, of the old kind prometheus (0.8 - 1.1) or the generic kind handler with compiledAdapter: prometheus (1.1 and later), by Mixer’s own naming rules.',
  reasons: {
    HandlerMissing: 'The rules send their instances to a Prometheus handler that does not exist, so Mixer drops them.',
    HandlerIgnored:
      'The handler that the rules name is there, of an old kind that this Mixer does not read any more (1.2 and later).',
  },
  needs: { rules: attempt(mixerRules), handlers: mixerHandlers, instances: attempt(mixerInstances), mixer },
  judge({ rules, handlers, instances, mixer }, { plane }) {
    const { configDefaultNamespace } = mixer.flags;
    const actions = metricsActions(
      'got' in rules ? rules.got.items : [],
      handlers.items,
      'got' in instances ? instances.got.items : [],
    );
    const dangling = actions.filter(({ handler }) => handler.object === null);
    const [first] = dangling;
    if (first) {
      const users = [...new Set(dangling.map(({ rule }) => ruleName(rule, configDefaultNamespace)))].sort();
      const ignored = first.handler.ignored;
      const send = users.length === 1 ? 'sends' : 'send';
      if (ignored) {
        return {
          status: 'fail',
          reason: 'HandlerIgnored',
          message: `${shown(ignored)} is of a kind that this Mixer does not read (--useAdapterCRDs=false); ${some(users)} ${send} to it`,
          hint: applyNewKinds(plane),
        };
      }
      if (handlers.refusal)
        return unknown([handlers.refusal], `no handler ${first.handler.reference} where handlers may be listed`);
      return {
        status: 'fail',
        reason: 'HandlerMissing',
        message: `no Prometheus handler; ${some(users)} ${send} to ${first.handler.reference}`,
        evidence: dangling.map(
          ({ rule, handler }) =>
            `rule ${rule.namespace}/${rule.name} sends to ${handler.reference}, which does not exist`,
        ),
        hint: handlerFor(plane, first.rule, first.handler.reference),
      };
    }
    const known = handlers.items.filter(({ adapter, read }) => adapter === 'prometheus' && read);
    if (known.length === 0) {
      if (handlers.refusal) return unknown([handlers.refusal], 'no Prometheus handler where handlers may be listed');
      return {
        status: 'fail',
        reason: 'HandlerMissing',
        message: 'no Prometheus handler is configured',
        hint: applyShipped(plane, 'handler'),
      };
    }
    if ('missing' in rules) return unknown([rules.missing], 'which handler the rules name is not known');
    return {
      status: 'pass',
      message: some(known.map(shown)),
      evidence: known.map((handler) => `${shown(handler)}: ${handler.metrics.map(({ name }) => name).join(', ')}`),
    };
  },
});

/** Each metrics action's handler with each of its instances, both there. */
const pairs = (...config: Parameters<typeof metricsActions>) =>
  metricsActions(...config).flatMap(({ rule, handler, instances }) =>
    instances.flatMap(({ object }) =>
      handler.object && object ? [{ rule, handler: handler.object, instance: object }] : [],
    ),
  );

export const handlerKnowsInstances = defineCheck({
  id: 'handler-knows-instances',
  title: 'the handler has a metric for every instance it is sent',
  explains:
    'The handler’s instance_name must be the instance’s full name, NAME.KIND.NAMESPACE: a copy in another namespace breaks here.',
  reasons: {
    MetricNotConfigured:
      'An instance is sent to the handler, and no metric of the handler is for it: the dispatch fails.',
  },
  needs: { rules: mixerRules, handlers: mixerHandlers, instances: mixerInstances },
  judge({ rules, handlers, instances }) {
    const sent = pairs(rules.items, handlers.items, instances.items);
    if (sent.length === 0) return skip('no instance is sent to a Prometheus handler');
    const lost = sent.filter(
      ({ handler, instance }) => !handler.metrics.some(({ instanceName }) => instanceName === instance.key),
    );
    const [first] = lost;
    if (!first) return { status: 'pass', message: `a metric for each of ${count(sent.length, 'instance')}` };
    return {
      status: 'fail',
      reason: 'MetricNotConfigured',
      message: `${shown(first.handler)} has no metric for ${some([...new Set(lost.map(({ instance }) => instance.key))], 2)}`,
      evidence: [
        ...lost.map(({ rule, instance }) => `rule ${rule.namespace}/${rule.name} sends ${instance.key}`),
        `instance_name in the handler: ${first.handler.metrics.map(({ instanceName }) => instanceName).join(', ')}`,
      ],
      hint: edit(first.handler),
    };
  },
});

export const handlerLabelsMatch = defineCheck({
  id: 'handler-labels-match',
  title: 'the handler’s labels are the instances’ dimensions',
  explains:
    'label_names of the handler’s metric and the dimensions of its instance must be the same set: a difference makes the adapter panic, and no counter moves.',
  reasons: {
    LabelMismatch:
      'A metric’s label_names differ from its instance’s dimensions: the adapter panics on every dispatch, and only the log tells.',
  },
  needs: { rules: mixerRules, handlers: mixerHandlers, instances: mixerInstances },
  judge({ rules, handlers, instances }) {
    const compared = pairs(rules.items, handlers.items, instances.items).flatMap(({ handler, instance }) =>
      handler.metrics
        .filter(({ instanceName }) => instanceName === instance.key)
        .map((metric) => {
          const labels = new Set(metric.labelNames.map(safeName));
          const dimensions = new Set(instance.dimensions.map(safeName));
          return {
            handler,
            metric,
            instance,
            without: [...dimensions].filter((name) => !labels.has(name)),
            beyond: [...labels].filter((name) => !dimensions.has(name)),
          };
        }),
    );
    if (compared.length === 0) return skip('no metric of a handler meets its instance');
    const different = compared.filter(({ without, beyond }) => without.length + beyond.length > 0);
    const [first] = different;
    if (!first)
      return { status: 'pass', message: `labels and dimensions agree for ${count(compared.length, 'metric')}` };
    const what = [
      ...(first.without.length > 0 ? [`lack ${some(first.without)}`] : []),
      ...(first.beyond.length > 0 ? [`have ${some(first.beyond)} too many`] : []),
    ];
    return {
      status: 'fail',
      reason: 'LabelMismatch',
      message: `label_names of ${first.metric.name} in ${shown(first.handler)} ${what.join(' and ')}, compared with ${first.instance.key}`,
      evidence: different.map(
        ({ metric, instance, without, beyond }) =>
          `${metric.name}: dimensions of ${instance.key} without a label: ${without.join(', ') || 'none'}; labels without a dimension: ${beyond.join(', ') || 'none'}`,
      ),
      hint: edit(first.handler),
    };
  },
});

export const handlerValid = defineCheck({
  id: 'handler-valid',
  title: 'the handler’s metrics can be registered',
  explains:
    'A kind of COUNTER, GAUGE or DISTRIBUTION, buckets that the Prometheus client takes, and no two metrics of one name with different labels. The adapter refuses the whole handler otherwise.',
  reasons: {
    HandlerInvalid: 'The adapter cannot be built from the handler: one of its metrics cannot be registered.',
    UnusedHandlerInvalid: 'A handler that no rule uses could not be built; it does no harm until a rule names it.',
  },
  needs: { rules: attempt(mixerRules), handlers: mixerHandlers },
  judge({ rules, handlers }) {
    const known = handlers.items.filter(({ adapter, read }) => adapter === 'prometheus' && read);
    if (known.length === 0) return skip('no Prometheus handler');
    const actions = metricsActions('got' in rules ? rules.got.items : [], handlers.items, []);
    const used = new Set(actions.map(({ handler }) => handler.object?.key));
    const faults = known.flatMap((handler) => faultsOf(handler).map((fault) => ({ handler, fault })));
    const [first] = faults;
    if (!first)
      return {
        status: 'pass',
        message: `${count(
          known.reduce((sum, { metrics }) => sum + metrics.length, 0),
          'metric',
        )} can be registered`,
      };
    const worst = faults.find(({ handler }) => used.has(handler.key)) ?? first;
    const finding = {
      message: `${shown(worst.handler)} cannot be built: ${worst.fault}`,
      evidence: faults.map(({ handler, fault }) => `${shown(handler)}: ${fault}`),
      hint: edit(worst.handler),
    };
    // A handler that no rule uses is never built (mixer.md 3.3, point 8).
    return used.has(worst.handler.key)
      ? { status: 'fail', reason: 'HandlerInvalid', ...finding }
      : { status: 'warn', reason: 'UnusedHandlerInvalid', ...finding };
  },
});

function faultsOf({ metrics }: Handler): readonly string[] {
  const byName = new Map<string, string>();
  return metrics.flatMap((metric) => {
    const faults: string[] = [];
    if (!/^(COUNTER|GAUGE|DISTRIBUTION)$/.test(metric.kind))
      faults.push(`metric ${metric.name} has kind ${metric.kind || 'UNSPECIFIED'}`);
    const buckets = metric.buckets === null ? null : bucketsProblem(metric.buckets);
    if (buckets) faults.push(`metric ${metric.name}: ${buckets}`);
    const name = `${metric.namespace}_${metric.name}`;
    const labels = [...metric.labelNames].sort().join(',');
    const before = byName.get(name);
    if (before !== undefined && before !== labels)
      faults.push(`two metrics called ${metric.name} have different labels`);
    byName.set(name, labels);
    return faults;
  });
}

export const prometheusHandler: Step = {
  id: PROMETHEUS_HANDLER,
  title: 'Verify the Prometheus handler configuration exists',
  hop: 'mixer->adapter',
  docs: docsOf('Verify the Prometheus handler configuration exists', CONFIGURATION_IN_08),
  checks: [handlerExists, handlerKnowsInstances, handlerLabelsMatch, handlerValid],
};
