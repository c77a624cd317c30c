import { shellLine } from '../../../cluster/question/shell.ts';
import { defineCheck } from '../../../diagnosis/check.ts';
import { count, skip, unknown } from '../../../diagnosis/verdict.ts';
import { selects } from '../../../evidence/kubernetes/lists.ts';
import { isRunning } from '../../../evidence/kubernetes/pod.ts';
import { mixer, telemetryService } from '../../../evidence/mixer/pods.ts';
import { REPORT_CALLS } from './steps.ts';

export const mixerRunning = defineCheck({
  id: 'mixer-running',
  title: 'a Mixer pod is ready to take Report calls',
  explains: 'Looks for the pods of istio-telemetry: missing, scaled to nothing, crashing or not ready.',
  reasons: {
    MixerMissing: 'There is no Mixer for telemetry: it was not installed, or is gone.',
    MixerScaledDown: 'The Deployment of Mixer has no replicas.',
    MixerNotReady: 'Mixer pods are there and none is ready.',
    ControlPlaneElsewhere: 'Only proxies are seen: what their control plane does cannot be looked at from here.',
    MixerPartlyReady: 'Some Mixer pods are not ready: what they are sent is late or lost.',
  },
  needs: { mixer },
  judge({ mixer: { pods, ...mixer } }, { plane }) {
    const deployment = 'got' in mixer.deployment ? mixer.deployment.got : null;
    const where = plane.namespace ?? 'this cluster';
    const describe = shellLine(
      'kubectl',
      '-n',
      plane.namespace ?? 'istio-system',
      'describe',
      'pods',
      '-l',
      'istio-mixer-type=telemetry',
    );
    if (pods.length === 0 && mixer.unlisted) return unknown([mixer.unlisted], 'no Mixer pod where pods may be listed');
    if (plane.namespace === null) {
      return {
        status: 'unknown',
        reason: 'ControlPlaneElsewhere',
        message: 'proxies run here, but no control plane does: it is in another cluster, or gone',
        hint: 'run this on the cluster of the control plane, with --context',
        missing: [],
      };
    }
    if (deployment?.replicas === 0 && pods.length === 0) {
      return {
        status: 'fail',
        reason: 'MixerScaledDown',
        message: `Deployment ${deployment.name} in ${where} is scaled to 0`,
        hint: shellLine('kubectl', '-n', deployment.namespace, 'scale', 'deployment', deployment.name, '--replicas=1'),
      };
    }
    if (pods.length === 0) {
      return {
        status: 'fail',
        reason: 'MixerMissing',
        message: `no Mixer for telemetry in ${where}${deployment ? ', though its Deployment wants one' : ''}`,
        hint: deployment
          ? shellLine('kubectl', '-n', deployment.namespace, 'describe', 'deployment', deployment.name)
          : shellLine('kubectl', '-n', plane.namespace ?? 'istio-system', 'get', 'deployments'),
      };
    }
    const unready = pods.filter((pod) => !pod.ready);
    const evidence = pods.map(
      ({ name, phase, ready, restarts, trouble }) =>
        `${name}: ${phase}, ${ready ? 'ready' : 'not ready'}, ${count(restarts, 'restart')}${trouble ? `, ${trouble}` : ''}`,
    );
    if (unready.length === pods.length) {
      const why = unready.map(({ trouble, phase }) => trouble ?? phase)[0];
      return {
        status: 'fail',
        reason: 'MixerNotReady',
        message: `none of ${count(pods.length, 'Mixer pod')} is ready: ${why}`,
        evidence,
        hint: describe,
      };
    }
    if (unready.length > 0) {
      return {
        status: 'warn',
        reason: 'MixerPartlyReady',
        message: `${unready.length} of ${pods.length} Mixer pods are not ready`,
        evidence,
        hint: describe,
      };
    }
    return { status: 'pass', message: `${pods.length} of ${pods.length} Mixer pods ready`, evidence };
  },
});

export const mixerReplicas = defineCheck({
  id: 'mixer-replicas',
  title: 'as many Mixer pods run as its Deployment wants',
  explains:
    'A replica that cannot be scheduled or created is not among the pods; the Deployment tells that it is missing.',
  reasons: { ReplicasMissing: 'The Deployment of Mixer wants more pods than there are.' },
  needs: { mixer },
  judge({ mixer: { pods, deployment } }) {
    if ('missing' in deployment) return unknown([deployment.missing], 'how many Mixer pods should run is not known');
    if (!deployment.got) return skip('Mixer has no Deployment here');
    const { name, namespace, replicas } = deployment.got;
    if (pods.length >= replicas) return { status: 'pass', message: `${pods.length} of ${count(replicas, 'replica')}` };
    return {
      status: 'warn',
      reason: 'ReplicasMissing',
      message: `${pods.length} of ${count(replicas, 'replica')} of Deployment ${name} exist`,
      hint: shellLine('kubectl', '-n', namespace, 'describe', 'deployment', name),
    };
  },
});

export const telemetryServiceReachesMixer = defineCheck({
  id: 'telemetry-service',
  title: 'Service istio-telemetry leads to a ready Mixer pod',
  explains:
    'Envoy calls the Service, and Prometheus finds the adapter through it: without a ready endpoint both are lost.',
  reasons: {
    ServiceMissing: 'There is no Service istio-telemetry: the proxies’ cluster for Report calls has no host.',
    NoEndpoints: 'The Service selects no ready Mixer pod.',
  },
  needs: { found: telemetryService, mixer },
  judge({ found: { service, unlisted }, mixer: { pods } }, { plane }) {
    const where = plane.namespace ?? 'istio-system';
    if (pods.length === 0) return skip('no Mixer pod that a Service could lead to');
    if (!service) {
      if (unlisted) return unknown([unlisted], 'no such Service where Services may be listed');
      return {
        status: 'fail',
        reason: 'ServiceMissing',
        message: `no Service istio-telemetry in ${where}`,
        hint: shellLine('kubectl', '-n', where, 'get', 'services'),
      };
    }
    const behind = pods.filter((pod) => isRunning(pod) && pod.ready && selects(service.selector, pod.labels));
    if (behind.length > 0)
      return { status: 'pass', message: `Service ${service.name} leads to ${count(behind.length, 'ready Mixer pod')}` };
    return {
      status: 'fail',
      reason: 'NoEndpoints',
      message: `Service ${service.name} leads to no ready Mixer pod`,
      evidence: [`selector: ${JSON.stringify(service.selector)}`],
      hint: shellLine('kubectl', '-n', where, 'get', 'endpoints', service.name),
      mayFollowFrom: [REPORT_CALLS],
    };
  },
});
