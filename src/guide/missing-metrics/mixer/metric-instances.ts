import { shellLine } from '../../../cluster/question/shell.ts';
import { defineCheck, type Step } from '../../../diagnosis/check.ts';
import { attempt } from '../../../diagnosis/source.ts';
import { count, some, unknown } from '../../../diagnosis/verdict.ts';
import { mixerAttributeManifests, mixerHandlers, mixerInstances, mixerRules } from '../../../evidence/mixer/config.ts';
import { mixerPages } from '../../../evidence/mixer/pages.ts';
import { mixer } from '../../../evidence/mixer/pods.ts';
import { metricsActions } from '../../../evidence/mixer/references.ts';
import { CONFIGURATION_IN_08, docsOf } from './docs.ts';
import { applyNewKinds, applyShipped, instancesFor } from './shipped.ts';
import { METRIC_INSTANCES } from './steps.ts';

export const instancesExist = defineCheck({
  id: 'metric-instances-exist',
  title: 'every metric instance that a rule sends exists',
  explains:
    'Looks for each instance that a metrics rule names, of the old kind metric (0.8 - 1.1) or the generic kind instance (1.2 and later), by Mixer’s own naming rules.',
  reasons: {
    InstanceMissing: 'A rule sends a metric instance that does not exist: that metric is never made.',
    InstanceIgnored: 'The instance is there, of an old kind that this Mixer does not read any more.',
  },
  needs: { rules: attempt(mixerRules), handlers: attempt(mixerHandlers), instances: mixerInstances },
  judge({ rules, handlers, instances }, { plane }) {
    const actions = metricsActions(
      'got' in rules ? rules.got.items : [],
      'got' in handlers ? handlers.got.items : [],
      instances.items,
    );
    const lost = actions.flatMap(({ rule, instances }) =>
      instances.filter(({ object }) => object === null).map((instance) => ({ rule, ...instance })),
    );
    const references = [...new Set(lost.map(({ reference }) => reference))];
    const [first] = lost;
    if (first) {
      if (instances.refusal)
        return unknown([instances.refusal], `no instance ${first.reference} where instances may be listed`);
      const ignored = lost.every(({ ignored }) => ignored !== null);
      return {
        status: 'fail',
        reason: ignored ? 'InstanceIgnored' : 'InstanceMissing',
        message: ignored
          ? `${some(references)} are of a kind that this Mixer does not read`
          : `${count(references.length, 'metric instance')} missing: ${some(references)}`,
        evidence: lost.map(
          ({ rule, reference }) => `rule ${rule.namespace}/${rule.name} sends ${reference}, which does not exist`,
        ),
        hint: ignored ? applyNewKinds(plane) : instancesFor(plane, first.rule, references),
      };
    }
    const metrics = instances.items.filter(({ template, read }) => template === 'metric' && read);
    if (metrics.length === 0) {
      if (instances.refusal) return unknown([instances.refusal], 'no metric instance where instances may be listed');
      return {
        status: 'fail',
        reason: 'InstanceMissing',
        message: 'no metric instance is configured',
        hint: applyShipped(plane, 'instances'),
      };
    }
    if ('missing' in rules) return unknown([rules.missing], 'which instances the rules send is not known');
    const sent = new Set(actions.flatMap(({ instances }) => instances.map(({ object }) => object?.key)));
    const used = metrics.filter(({ key }) => sent.has(key)).length;
    return {
      status: 'pass',
      message: `${count(metrics.length, 'instance')}, ${used === metrics.length ? 'each' : used} used by a rule`,
      evidence: metrics.map(({ key, dimensions }) => `${key}: ${count(dimensions.length, 'dimension')}`),
    };
  },
});

/** What a Mixer knows without any manifest: its built-in vocabulary (mixer.md 2.2). */
const BUILT_IN_ATTRIBUTES = 23;

export const attributeManifestsExist = defineCheck({
  id: 'attribute-manifests-exist',
  title: 'Mixer’s vocabulary of attributes is configured',
  explains:
    'The attributemanifests istioproxy and kubernetes name the attributes that the instances’ expressions use; without them nearly every expression fails with "unknown attribute".',
  reasons: {
    AttributesMissing: 'There is no attributemanifest: expressions of instances and rules name unknown attributes.',
  },
  needs: { manifests: mixerAttributeManifests, mixer, pages: attempt(mixerPages) },
  judge({ manifests, mixer, pages }, { plane }) {
    const { configDefaultNamespace } = mixer.flags;
    const own = manifests.items.filter(({ namespace }) => namespace === configDefaultNamespace);
    if (own.length > 0)
      return {
        status: 'pass',
        message: own
          .map(({ name }) => name)
          .sort()
          .join(', '),
      };
    if (manifests.refusal) return unknown([manifests.refusal]);
    const known = ('got' in pages ? pages.got : []).flatMap(({ reading }) =>
      'got' in reading && reading.got.counts.attributes !== null ? [reading.got.counts.attributes] : [],
    );
    if (known.length > 0 && known.every((attributes) => attributes > BUILT_IN_ATTRIBUTES)) {
      return {
        status: 'pass',
        message: `Mixer knows ${known.join(', ')} attributes, from manifests in other namespaces`,
      };
    }
    return {
      status: 'fail',
      reason: 'AttributesMissing',
      message: `no attributemanifest in ${configDefaultNamespace}`,
      evidence: [shellLine('kubectl', 'get', 'attributemanifests.config.istio.io', '--all-namespaces')],
      hint: applyShipped(plane, 'attributes'),
    };
  },
});

export const metricInstances: Step = {
  id: METRIC_INSTANCES,
  title: 'Verify Mixer metric instances configuration exists',
  hop: 'mixer->adapter',
  docs: docsOf('Verify Mixer metric instances configuration exists', CONFIGURATION_IN_08),
  checks: [instancesExist, attributeManifestsExist],
};
