import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck, type Step } from '../../diagnosis/check.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { registries } from '../../evidence/istio/pilot.ts';
import { docs, PILOT_RUNNING, REGISTRATION } from './steps.ts';

export const pilotKnowsServices = defineCheck({
  id: 'pilot-knows-services',
  title: 'every replica of Pilot knows the mesh’s services',
  explains:
    'The guide’s own step: asks each replica for the services it knows, at /v1/registration up to 1.4 and at /debug/registryz since, through a port-forward. No image needs curl for it.',
  reasons: {
    RegistryEmpty: 'A replica knows no service at all: it cannot read them from the API server.',
  },
  needs: { registries },
  judge({ registries }, { plane }) {
    if (registries.length === 0) return skip('no replica of Pilot runs');
    const seen = registries.flatMap(({ pod, services }) =>
      'got' in services ? [{ pod, services: services.got }] : [],
    );
    const missing = registries.flatMap(({ services }) => ('missing' in services ? [services.missing] : []));
    const empty = seen.filter(({ services }) => services === 0);
    const evidence = seen.map(({ pod, services }) => `${pod}: ${count(services, 'service')}`);
    if (empty.length > 0)
      return {
        status: 'fail',
        reason: 'RegistryEmpty',
        message: `${some(empty.map(({ pod }) => pod))} ${empty.length === 1 ? 'knows' : 'know'} no service`,
        evidence,
        hint: shellLine(
          'kubectl',
          '-n',
          plane.namespace ?? 'istio-system',
          'logs',
          empty[0]?.pod ?? '',
          '-c',
          'discovery',
          '--tail=200',
        ),
        mayFollowFrom: [PILOT_RUNNING],
      };
    if (isSome(missing))
      return unknown(missing, `${missing.length} of ${count(registries.length, 'replica')} could not be asked`);
    return { status: 'pass', message: some(evidence), evidence };
  },
});

export const registration: Step = {
  id: REGISTRATION,
  title: 'Verify Pilot answers with the services of the mesh',
  hop: null,
  docs,
  checks: [pilotKnowsServices],
};
