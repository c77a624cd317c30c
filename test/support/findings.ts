import assert from 'node:assert/strict';
import type { Ask, ControlPlane, Step } from '../../src/diagnosis/check.ts';
import { walk } from '../../src/diagnosis/diagnose.ts';
import type { Finding } from '../../src/diagnosis/finding.ts';
import { Gatherer } from '../../src/diagnosis/gather.ts';
import { topics } from '../../src/guide/index.ts';
import { judged } from './judging.ts';

/** What a walk is given of a run. */
export type Run = Pick<Ask, 'cluster' | 'scope' | 'now' | 'sleep'>;

/** What each check of a step finds, by its id, as a walk finds it that has no other step. */
export async function findingsOf(step: Step, plane: ControlPlane, run: Run): Promise<ReadonlyMap<string, Finding>> {
  const [topic = assert.fail()] = await topics();
  const walks = { ...topic.walks, [plane.generation]: { steps: [step], meter: null } };
  const { steps } = await walk({ ...topic, walks }, plane, new Gatherer(run, () => 0), run.scope, () => undefined);
  const findings = steps.flatMap((each) => each.findings);
  for (const { check, status } of findings) judged.set(check, (judged.get(check) ?? new Set()).add(status));
  return new Map(findings.map((finding) => [finding.check, finding]));
}
