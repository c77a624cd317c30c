import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { skip, unknown } from '../../diagnosis/verdict.ts';
import { tracingRules } from '../../evidence/clocks/tracing.ts';
import { pilots } from '../../evidence/istio/pilot.ts';
import { meshConfig, meshName } from '../../evidence/kubernetes/config-maps.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import { variablesOf } from '../../evidence/kubernetes/pod.ts';

export const tracingIsOn = defineCheck({
  id: 'tracing-is-on',
  title: 'proxies trace, and somebody gets the spans',
  explains:
    'Before a clock is blamed: reads the mesh’s configuration for whether proxies trace at all, where spans go, and how many requests are sampled (1 percent unless somebody asked for more). A Telemetry object of the root namespace speaks for the mesh and goes before that; one elsewhere is for its workloads, and is shown.',
  reasons: {
    TracingDisabled: 'The mesh’s configuration tells proxies not to trace.',
    NoTracer: 'The mesh’s configuration names no tracer: spans go nowhere, unless a Telemetry object names one.',
    FewSampled: 'Fewer than two of a hundred requests are traced: send a hundred before you miss a trace.',
  },
  needs: { mesh: meshConfig, pilots, rules: attempt(tracingRules) },
  judge({ mesh, pilots, rules }, { plane }) {
    const map = meshName(plane.revision);
    if (!mesh) return skip(`there is no ConfigMap ${map} with a key mesh here`);
    const edit = shellLine('kubectl', '-n', plane.namespace ?? 'istio-system', 'edit', 'configmap', map);
    const [variable] = variablesOf(
      pilots.map(({ pod }) => pod),
      'PILOT_TRACE_SAMPLING',
    );
    const root = plane.namespace ?? 'istio-system';
    const all = 'got' in rules ? rules.got.items : [];
    const whole = all.filter(({ namespace, selects }) => namespace === root && !selects);
    const evidence = all.map(
      ({ disabled, sampling, provider, ...rule }) =>
        `Telemetry ${titleOf(rule)}: ${disabled ? 'no spans' : `${sampling === null ? 'the mesh’s share' : `${sampling} %`} to ${provider ?? 'the mesh’s tracer'}`}`,
    );
    const sampling =
      whole.find((each) => each.sampling !== null)?.sampling ??
      mesh.sampling ??
      (variable === undefined ? null : Number(variable));
    const tracer = whole.find(({ provider }) => provider !== null)?.provider ?? mesh.tracer;
    const off = whole.find(({ disabled }) => disabled);
    if (off)
      return {
        status: 'warn',
        reason: 'TracingDisabled',
        message: `Telemetry ${titleOf(off)} tells every proxy to report no spans`,
        evidence,
        hint: shellLine('kubectl', '-n', off.namespace, 'edit', 'telemetries.telemetry.istio.io', off.name),
      };
    if (mesh.enableTracing === false)
      return {
        status: 'warn',
        reason: 'TracingDisabled',
        message: `enableTracing is false in ConfigMap ${map}`,
        hint: edit,
      };
    if (tracer === null)
      return { status: 'warn', reason: 'NoTracer', message: `ConfigMap ${map} names no tracer`, evidence, hint: edit };
    if (sampling !== null && sampling < 2)
      return {
        status: 'warn',
        reason: 'FewSampled',
        message: `${sampling} % of the requests are traced, to ${tracer}`,
        evidence,
        hint: edit,
      };
    // One that may not be seen could switch it off.
    if ('missing' in rules) return unknown([rules.missing]);
    if (rules.got.refusal) return unknown([rules.got.refusal], 'not every Telemetry object was seen');
    return {
      status: 'pass',
      evidence,
      message: `${sampling === null ? 'the release’s share' : `${sampling} %`} of the requests to ${tracer}`,
    };
  },
});
