import { type ControlPlane, defineCheck, type Source, type Step } from '../../../diagnosis/check.ts';
import { clusterSource } from '../../../diagnosis/source.ts';

const NAMES = { mixer: 'Mixer', 'telemetry-v2': 'telemetry v2', ambient: 'ambient' } as const;

/** The generation as prose names it. */
const generationName = (plane: ControlPlane): string => NAMES[plane.generation];

const nothing: Source<null> = clusterSource([], () => Promise.resolve(null));

const notDiagnosedYet = defineCheck({
  id: 'generation-diagnosed',
  title: 'this version diagnoses the generation',
  explains: 'Telemetry v2 and ambient are recognised, and their metrics not diagnosed yet by this version.',
  reasons: { NotDiagnosed: 'The generation was recognised and not looked at: nothing is known of its metrics.' },
  needs: { nothing },
  judge: (_, { plane }) => ({
    status: 'unknown',
    reason: 'NotDiagnosed',
    message: `${generationName(plane)} is not diagnosed yet by this version`,
    missing: [],
  }),
});

/** The one step of a generation that is recognised only: never healthy, never "no Istio". */
export const notDiagnosed: Step = {
  id: 'not-diagnosed',
  title: 'Recognised, not diagnosed yet',
  hop: null,
  docs: () => 'https://istio.io/latest/docs/ops/common-problems/observability-issues/',
  checks: [notDiagnosedYet],
};
