import { defineCheck, type Step } from '../../../diagnosis/check.ts';
import { attempt } from '../../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../../diagnosis/verdict.ts';
import { mixerHandlers, mixerInstances, mixerRules, type Rule } from '../../../evidence/mixer/config.ts';
import { mixer } from '../../../evidence/mixer/pods.ts';
import { metricsActions, ruleName } from '../../../evidence/mixer/references.ts';
import { CONFIGURATION_IN_08, docsOf } from './docs.ts';
import { applyKinds, applyShipped, SHIPPED_INSTANCES } from './shipped.ts';
import { RULES } from './steps.ts';

export const rulesExist = defineCheck({
  id: 'rules-exist',
  title: 'a rule sends metric instances to a Prometheus handler',
  explains:
    'Resolves every rule’s handler by Mixer’s own naming rules. A rule that names a handler or an instance that is missing passes here: the missing object’s own step fails.',
  reasons: {
    RulesMissing: 'No rule sends anything to a Prometheus handler (promhttp and promtcp in every chart).',
    RulesOfNamespaces:
      'Rules outside Mixer’s default namespace apply to their own namespace only; there is none for the rest of the mesh.',
  },
  needs: { rules: mixerRules, handlers: attempt(mixerHandlers), instances: attempt(mixerInstances), mixer },
  judge({ rules, handlers, instances, mixer }, { plane }) {
    const actions = metricsActions(
      rules.items,
      'got' in handlers ? handlers.got.items : [],
      'got' in instances ? instances.got.items : [],
    );
    const { configDefaultNamespace } = mixer.flags;
    const everywhere = actions.filter(({ rule }) => rule.namespace === configDefaultNamespace);
    const names = [...new Set(actions.map(({ rule }) => ruleName(rule, configDefaultNamespace)))].sort();
    if (names.length === 0) {
      if (rules.refusal) return unknown([rules.refusal], 'no rule for Prometheus where rules may be listed');
      // A handler may have any name; what it is for, only the handler tells.
      if ('missing' in handlers && rules.items.length > 0)
        return unknown([handlers.missing], 'which rules are for Prometheus is not known');
      // What tells Mixer whose pods the addresses are is a rule as well.
      const enriches = rules.items.some(({ actions }) => actions.some(({ handler }) => /kubernetesenv/.test(handler)));
      return {
        status: 'fail',
        reason: 'RulesMissing',
        message: rules.served
          ? `none of ${count(rules.items.length, 'rule')} sends to a Prometheus handler${elsewhere(rules.items)}`
          : 'the API server knows no rules.config.istio.io: Mixer’s CRDs are not installed',
        evidence: rules.items
          .slice(0, 10)
          .map(
            (rule) => `rule ${rule.namespace}/${rule.name}: ${rule.actions.map(({ handler }) => handler).join(', ')}`,
          ),
        hint: rules.served ? applyShipped(plane, ...(enriches ? [] : ['kubernetesenv']), 'rules') : applyKinds(plane),
      };
    }
    if (everywhere.length === 0) {
      return {
        status: 'warn',
        reason: 'RulesOfNamespaces',
        message: `only ${some(names, 4)}: none in ${configDefaultNamespace}, so other namespaces’ traffic is not measured`,
        hint: applyShipped(plane, 'rules'),
      };
    }
    const others = rules.items.length - names.length;
    return {
      status: 'pass',
      message:
        others > 0
          ? `${names.slice(0, 4).join(', ')} and ${others + Math.max(0, names.length - 4)} more`
          : some(names, 6),
      evidence: actions.map(
        ({ rule, handler, instances }) =>
          `rule ${rule.namespace}/${rule.name}: match ${rule.match || 'always'}; to ${handler.reference}: ${instances.map(({ reference }) => reference).join(', ')}`,
      ),
    };
  },
});

/** Where metric instances go instead, by the rules' own words. */
function elsewhere(rules: readonly Rule[]): string {
  const handlers = rules.flatMap(({ actions }) =>
    actions
      .filter(({ instances }) => instances.some((name) => /\.metric$|^request|^tcp/.test(name)))
      .map(({ handler }) => handler),
  );
  return handlers.length > 0 ? `; metric instances go to ${some([...new Set(handlers)])}` : '';
}

export const shippedInstancesSent = defineCheck({
  id: 'shipped-instances-sent',
  title: 'every shipped metric instance is sent by a rule',
  explains:
    'Of the metric instances that Istio ships and that are there: whether a rule sends each. One that none sends is a metric that never appears.',
  reasons: { InstanceNotSent: 'A shipped metric instance is there, and no rule sends it: its metric is missing.' },
  needs: { rules: mixerRules, handlers: attempt(mixerHandlers), instances: mixerInstances, mixer },
  judge({ rules, handlers, instances, mixer }, { plane }) {
    const actions = metricsActions(rules.items, 'got' in handlers ? handlers.got.items : [], instances.items);
    if (actions.length === 0 && 'missing' in handlers) return unknown([handlers.missing]);
    if (!actions.some(({ rule }) => rule.namespace === mixer.flags.configDefaultNamespace)) {
      return skip('no rule for the whole mesh sends anything to a Prometheus handler');
    }
    const { configDefaultNamespace } = mixer.flags;
    const sent = new Set(
      actions
        .filter(({ rule }) => rule.namespace === configDefaultNamespace)
        .flatMap(({ instances }) => instances.map(({ object }) => object?.key)),
    );
    const shipped = instances.items.filter(
      ({ name, namespace, read }) => read && namespace === configDefaultNamespace && SHIPPED_INSTANCES.includes(name),
    );
    if (shipped.length === 0) return skip('none of the shipped instances is here');
    const unsent = shipped.filter(({ key }) => !sent.has(key));
    if (unsent.length > 0) {
      if (rules.refusal)
        return unknown(
          [rules.refusal],
          `no rule sends ${some(unsent.map(({ name }) => name))} where rules may be listed`,
        );
      return {
        status: 'fail',
        reason: 'InstanceNotSent',
        message: `no rule sends ${some(
          unsent.map(({ name }) => name),
          4,
        )}`,
        evidence: unsent.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`),
        hint: applyShipped(plane, 'rules'),
      };
    }
    if (isSome(instances.refusal ? [instances.refusal] : []))
      return skip('not every namespace’s instances may be listed; those seen are all sent');
    return { status: 'pass', message: `rules name all ${count(shipped.length, 'shipped instance')}` };
  },
});

export const rules: Step = {
  id: RULES,
  title: 'Verify the Mixer rules exist',
  hop: 'mixer->adapter',
  docs: docsOf('Verify the Mixer rules exist', CONFIGURATION_IN_08),
  checks: [rulesExist, shippedInstancesSent],
};
