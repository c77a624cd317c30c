import { shellLine } from '../../cluster/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { skip } from '../../diagnosis/verdict.ts';
import { meshConfig } from '../../evidence/config-maps.ts';
import { pilots } from '../../evidence/pilot.ts';

export const tracingIsOn = defineCheck({
  id: 'tracing-is-on',
  title: 'proxies trace, and somebody gets the spans',
  explains:
    'Before a clock is blamed: reads the mesh’s configuration for whether proxies trace at all, where spans go, and how many requests are sampled (1 percent unless somebody asked for more). A Telemetry object may say otherwise for some workloads.',
  reasons: {
    TracingDisabled: 'The mesh’s configuration tells proxies not to trace.',
    NoTracer: 'The mesh’s configuration names no tracer: spans go nowhere, unless a Telemetry object names one.',
    FewSampled: 'Fewer than two of a hundred requests are traced: send a hundred before you miss a trace.',
  },
  needs: { mesh: meshConfig, pilots },
  judge({ mesh, pilots }, { plane }) {
    if (!mesh) return skip('there is no ConfigMap istio with a key mesh here');
    const edit = shellLine('kubectl', '-n', plane.namespace ?? 'istio-system', 'edit', 'configmap', 'istio');
    const variable = pilots
      .flatMap(({ pod }) => pod.containers.map(({ variables }) => variables.PILOT_TRACE_SAMPLING))
      .find((value) => value !== undefined);
    const sampling = mesh.sampling ?? (variable === undefined ? null : Number(variable));
    if (mesh.enableTracing === false)
      return {
        status: 'warn',
        reason: 'TracingDisabled',
        message: 'enableTracing is false in ConfigMap istio',
        hint: edit,
      };
    if (mesh.tracer === null)
      return { status: 'warn', reason: 'NoTracer', message: 'ConfigMap istio names no tracer', hint: edit };
    if (sampling !== null && sampling < 2)
      return {
        status: 'warn',
        reason: 'FewSampled',
        message: `${sampling} % of the requests are traced, to ${mesh.tracer}`,
        hint: edit,
      };
    return {
      status: 'pass',
      message: `${sampling === null ? 'the release’s share' : `${sampling} %`} of the requests to ${mesh.tracer}`,
    };
  },
});
