import type { Finding } from './finding.ts';
import { objectsOf } from './objects.ts';

/** What is known and accepted: findings of a reason, or those of it that are about certain objects only. */
export interface Ignore {
  /** As it was written: `REASON` or `REASON=NAMESPACE/NAME`, both with `*` and `?`. */
  written: string;
  readonly fitsReason: (reason: string) => boolean;
  /** Null of whatever objects. */
  readonly fitsObject: ((name: string) => boolean) | null;
}

/** Between those that ignore one finding: no pattern has it in it. */
export const BETWEEN = ', ';

/** Reads `REASON[=NAMESPACE/NAME]`; null where it is neither. */
export function ignoreOf(written: string): Ignore | null {
  const [, reason, object] = /^([\w*?]+)(?:=([\w.*?-]+\/[\w.*?-]+))?$/.exec(written) ?? [];
  if (reason === undefined) return null;
  return { written, fitsReason: fitting(reason), fitsObject: object === undefined ? null : fitting(object) };
}

function fitting(glob: string): (text: string) => boolean {
  const source = glob.replaceAll('.', '\\.').replaceAll(/\*+/g, '.*').replaceAll('?', '.');
  const pattern = new RegExp(`^${source}$`);
  return (text) => pattern.test(text);
}

/**
 * What a failure or warning is ignored by, `, ` between several of `ignores`, or null. One that is about several objects is ignored only
 * where all of them are; never one whose list of names was cut.
 */
export function ignoredBy(finding: Finding, ignores: readonly Ignore[]): string | null {
  const { reason } = finding;
  if (reason === null || (finding.status !== 'fail' && finding.status !== 'warn')) return null;
  const fitting = ignores.filter(({ fitsReason }) => fitsReason(reason));
  const whole = fitting.find(({ fitsObject }) => fitsObject === null);
  if (whole || fitting.length === 0) return whole?.written ?? null;
  const { names, isCut } = objectsOf(finding);
  const each = names.map((name) => fitting.find(({ fitsObject }) => fitsObject?.(name)));
  const used = [...new Set(each.map((ignore) => ignore?.written))];
  return isCut || used.length === 0 || used.includes(undefined) ? null : used.join(BETWEEN);
}

/** Whether ignored failures explain all that another is about: what is wrong with the whole mesh explains all of it. */
export function explains(ignored: readonly Finding[], { subjects }: Finding): boolean {
  if (ignored.some((cause) => cause.subjects.length === 0)) return true;
  const known = new Set(ignored.flatMap(partsOf));
  return subjects.length > 0 && partsOf({ subjects }).every((part) => known.has(part));
}

const partsOf = ({ subjects }: Pick<Finding, 'subjects'>): readonly string[] =>
  subjects.flatMap(({ kind, namespace, name, pods }) =>
    pods.length > 0 ? pods.map((pod) => `${namespace}/${pod}`) : [`${kind} ${namespace}/${name}`],
  );
