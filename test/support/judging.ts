import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Check, ControlPlane, Scope, Verdict } from '../../src/diagnosis/check.ts';
import { judgedByHand } from './examples.ts';

export const plane: ControlPlane = { generation: 'mixer', namespace: 'istio-system', revision: null, version: '1.0.6' };

export const scope: Scope = {
  workload: null,
  namespace: null,
  selector: null,
  istioNamespace: null,
  revision: null,
  window: 0,
  sample: 3,
  prometheus: null,
  from: null,
  clientOffset: 0,
};

/** The clock of every judgement. */
export const NOW = Date.parse('2026-11-22T10:00:00Z');

interface Case<Evidence> {
  when: string;
  given: Partial<Evidence>;
  status: Verdict['status'];
  /** Of a warning, a failure or an unknown. */
  reason?: string;
  says: RegExp;
  plane?: Partial<ControlPlane>;
  scope?: Partial<Scope>;
}

/** The statuses that each check was seen to give, by its id; test/all.ts looks for gaps. */
export const judged = new Map<string, Set<string>>();

/** Judges each case; what it does not say about the evidence, or its control plane, `base` and `own` do. A test's name reads as a sentence: "fail when Mixer has seen no call". */
export function judging<Evidence>(
  check: Check<Evidence>,
  cases: readonly Case<Evidence>[],
  base: Partial<Evidence> = {},
  own: ControlPlane = plane,
): void {
  describe(check.id, () => {
    for (const { when, given, status, reason, says, ...context } of cases) {
      it(`${status} when ${when}`, () => {
        const about = { plane: { ...own, ...context.plane }, scope: { ...scope, ...context.scope }, now: NOW };
        const verdict = judgedByHand(check, () => check.judge({ ...base, ...given } as Evidence, about));
        assert.equal(verdict.status, status, verdict.message);
        assert.match(verdict.message, says);
        assert.equal('reason' in verdict ? verdict.reason : undefined, reason, verdict.message);
        if (verdict.status === 'warn' || verdict.status === 'fail') {
          assert.ok(verdict.reason in check.reasons, `${verdict.reason} is not explained`);
          assert.notEqual(verdict.hint, '');
        }
        judged.set(check.id, (judged.get(check.id) ?? new Set()).add(status));
      });
    }
  });
}
