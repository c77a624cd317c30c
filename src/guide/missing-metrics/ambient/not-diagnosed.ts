import { defineCheck, type Source, type Step } from '../../../diagnosis/check.ts';
import { clusterSource } from '../../../diagnosis/source.ts';

const nothing: Source<null> = clusterSource([], () => Promise.resolve(null));

const notDiagnosedYet = defineCheck({
  id: 'generation-diagnosed',
  title: 'this version diagnoses the generation',
  explains: 'Ambient is recognised; its metrics are not diagnosed yet by this version.',
  reasons: { NotDiagnosed: 'The generation was recognised and not looked at: nothing is known of its metrics.' },
  needs: { nothing },
  judge: () => ({
    status: 'unknown',
    reason: 'NotDiagnosed',
    message: 'ambient is not diagnosed yet by this version',
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
