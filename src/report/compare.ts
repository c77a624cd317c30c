import type { Generation } from '../diagnosis/check.ts';
import type { Status } from '../diagnosis/finding.ts';
import { objectsOf } from '../diagnosis/objects.ts';
import type { Fresh } from './exit.ts';
import { isLike, type Past, type Question } from './past.ts';

/**
 * What became of a finding: not there before, there before and still, or gone. `unknown` is what cannot be told: it was not
 * looked at again, something else is found in its place, or its list of names is cut.
 */
export const STATES = ['new', 'known', 'fixed', 'unknown'] as const;
export type State = (typeof STATES)[number];

/** A finding that follows from no other, or the part of it that shares a state. */
export interface Difference {
  state: State;
  generation: Generation;
  step: string;
  check: string;
  /** What it is; null of what is not found now. */
  status: Status | null;
  /** What it was; null of what was not found then. */
  was: Status | null;
  reason: string;
  /** `NAMESPACE/NAME` of those in this state; none where the finding names none. */
  objects: readonly string[];
  message: string;
}

/** What differs between a report and an older one. */
export interface Comparison {
  /** Of the older one. */
  startedAt: string;
  context: string | null;
  summary: Readonly<Record<State, number>>;
  findings: readonly Difference[];
  /** What could not be asked now and could then, a line each: whatever is behind it may be new. */
  unasked: readonly string[];
}

/** A finding of all control planes of a generation: which of them it is of changes with each upgrade. */
interface Found extends Omit<Difference, 'state' | 'objects' | 'status' | 'was'> {
  status: Status;
  isCause: boolean;
  names: Set<string>;
  isCut: boolean;
}

/** How bad a status is, where one reason had several. */
const RANK: Readonly<Record<Status, number>> = { skip: 0, pass: 0, warn: 1, unknown: 2, ignored: 3, fail: 3 };

/** Compares a report with an older one of its topic. */
export function compared(now: Past, old: Past): Comparison {
  const nows = foundIn(now);
  const olds = foundIn(old);
  const findings = [
    ...[...nows].flatMap(([key, found]) => stateOf(found, olds.get(key))),
    ...[...olds].flatMap(([key, found]) => fateOf(found, key, nows, isLike(now, old) ? now : null)),
  ];
  const number = (state: State): number => findings.filter((each) => each.state === state).length;
  return {
    startedAt: old.run.startedAt,
    context: old.run.context,
    summary: { new: number('new'), known: number('known'), fixed: number('fixed'), unknown: number('unknown') },
    findings,
    unasked: unaskedIn(now.unchecked, old.unchecked),
  };
}

/** `detection: list pods in all namespaces`, of those that the older report has not. */
function unaskedIn(now: readonly Question[], old: readonly Question[]): readonly string[] {
  const known = new Set(old.map(wordsOf));
  return [...new Set(now.map(wordsOf))].filter((words) => !known.has(words));
}

const wordsOf = ({ step, verb, resource, namespace }: Question): string =>
  `${step}: ${verb} ${resource} ${namespace === null ? 'in all namespaces' : `in ${namespace}`}`;

function foundIn({ steps }: Past): ReadonlyMap<string, Found> {
  const all = new Map<string, Found>();
  for (const { id: step, generation, checks } of steps) {
    for (const check of checks) {
      const { id, status, reason, causedBy, message } = check;
      if (reason === null || RANK[status] === 0) continue;
      const key = JSON.stringify([generation, step, id, reason]);
      const { names, isCut } = objectsOf(check);
      const known = all.get(key);
      all.set(key, {
        generation,
        step,
        check: id,
        reason,
        status: known && RANK[known.status] > RANK[status] ? known.status : status,
        message: known ? `${known.message}; ${message}` : message,
        isCause: (causedBy === null && status !== 'ignored') || known?.isCause === true,
        names: new Set([...(known?.names ?? []), ...names]),
        isCut: isCut || known?.isCut === true,
      });
    }
  }
  return all;
}

function differing(
  state: State,
  now: Found | undefined,
  old: Found | undefined,
  objects: Iterable<string>,
): Difference {
  const { generation, step, check, reason, message } = (now ?? old) as Found;
  const statuses = { status: now?.status ?? null, was: old?.status ?? null };
  return { state, generation, step, check, ...statuses, reason, objects: [...objects].sort(), message };
}

const less = (names: ReadonlySet<string>, others: ReadonlySet<string>): readonly string[] =>
  [...names].filter((name) => !others.has(name));

/** What is found now is new, known, or the one for some of its objects and the other for the rest. */
function stateOf(now: Found, old: Found | undefined): readonly Difference[] {
  if (!now.isCause) return [];
  if (!old || RANK[now.status] > RANK[old.status]) return [differing('new', now, old, now.names)];
  // Who is behind "and 3 more" may be another one.
  if ((now.isCut || old.isCut) && now.message !== old.message) return [differing('unknown', now, old, now.names)];
  const added = less(now.names, old.names);
  const stayed = [...now.names].filter((name) => old.names.has(name));
  return [
    ...(added.length > 0 ? [differing('new', now, old, added)] : []),
    ...(stayed.length > 0 || added.length === 0 ? [differing('known', now, old, stayed)] : []),
  ];
}

/**
 * What became of what was found: fixed is only what was looked at again, and passed. `report` is null where other workloads
 * were looked at.
 */
function fateOf(old: Found, key: string, nows: ReadonlyMap<string, Found>, report: Past | null): readonly Difference[] {
  if (!old.isCause || old.status === 'unknown') return [];
  const now = nows.get(key);
  if (now) {
    if (now.isCut || old.isCut || !report) return [];
    // What is found elsewhere now has moved.
    const elsewhere = new Set([...nows].flatMap(([other, { names }]) => (other === key ? [] : [...names])));
    const gone = less(old.names, now.names).filter((name) => !elsewhere.has(name));
    return gone.length > 0 ? [differing('fixed', undefined, old, gone)] : [];
  }
  const statuses = (report?.steps ?? [])
    .filter(({ id, generation }) => id === old.step && generation === old.generation)
    .flatMap(({ checks }) => checks.filter(({ id }) => id === old.check).map(({ status }) => status));
  const holds = statuses.includes('pass') && statuses.every((status) => status === 'pass' || status === 'skip');
  return [differing(holds ? 'fixed' : 'unknown', undefined, old, old.names)];
}

/** What makes a run with --fail-on new fail: the worst that is new, or cannot be told from what is. */
export function freshIn({ findings, unasked }: Comparison): Fresh {
  if (findings.some(({ state, status }) => state === 'new' && status === 'fail')) return 'fail';
  const isUnclear = ({ state, status }: Difference): boolean =>
    (state === 'new' && status === 'unknown') || (state === 'unknown' && status === 'fail');
  return unasked.length > 0 || findings.some(isUnclear) ? 'unknown' : null;
}
