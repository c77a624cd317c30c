import type { ControlPlane, Source, Subject, Verdict } from '../../../diagnosis/check.ts';
import { attempt } from '../../../diagnosis/source.ts';
import { count, isSome, skip, unknown } from '../../../diagnosis/verdict.ts';
import { madeStats } from '../../../evidence/istio/made-stats.ts';
import { metricsTold, type ToldClass } from '../../../evidence/istio/told.ts';
import { meshName } from '../../../evidence/kubernetes/config-maps.ts';
import { linesOf, subjectsOf } from '../../../evidence/kubernetes/owner.ts';
import type { Side } from '../../../istio/stats.ts';
import { analyzed } from './analyzed.ts';
import { cureOf } from './cures.ts';
import { type Loss, lossesOf, lossesOfSide, type Reason, sizeOf } from './losses.ts';
import { type Evidence, type JudgedSide, sidesOf } from './sides.ts';
import { lossWords, notesOf } from './words.ts';

/** What every check of this step stands on. */
export const needs: { told: Source<Evidence['told']>; made: Source<Evidence['made']> } = {
  told: metricsTold,
  made: attempt(madeStats),
};

export const subjectsIn = (classes: readonly ToldClass[]): readonly Subject[] =>
  subjectsOf(classes.flatMap(({ proxies }) => proxies.map(({ pod }) => pod)));

/** `12 of 40 proxies`. */
export const part = (classes: readonly ToldClass[], { told }: Evidence): string =>
  `${sizeOf(classes)} of ${count(sizeOf(told.classes), 'proxy', 'proxies')}`;

const NO_PROXY = skip('no proxy of this mesh');

/** The reasons of `undecided`, for every check's. */
export const UNDECIDED = {
  MeshConfigUnknown:
    'There is no ConfigMap with MeshConfig where this control plane’s should be: what it says of metrics is not known, and istiod was not asked or did not answer.',
  Undecided:
    'What these proxies are told cannot be worked out from here: an EnvoyFilter asks for a proxy’s metadata or has an unusual pattern of versions, or istiod makes filters for others where the objects say that it makes none. Istiod was not asked about these, or did not answer.',
} as const;

/** Where it is not known of every proxy what it is told, of the side that is judged or of any: why; null where it is. */
export function undecided(
  evidence: Evidence,
  { namespace, revision }: ControlPlane,
  which: Side | null,
): Verdict | null {
  const { told, made } = evidence;
  const isOpen = ({ side, told }: JudgedSide): boolean => told === 'unknown' && (which === null || side === which);
  const open = sidesOf(evidence).filter(({ sides }) => sides.some(isOpen));
  if (open.length === 0) return isSome(told.missing) ? unknown(told.missing) : null;
  const missing = [
    ...told.missing,
    ...('missing' in made
      ? [made.missing]
      : made.got.flatMap((each) => ('missing' in each.made ? [each.made.missing] : []))),
  ];
  const about = `${part(
    open.map(({ of }) => of),
    evidence,
  )}: what they are told is not known`;
  if (isSome(told.missing) && isSome(missing)) return unknown(missing, about);
  return told.config === null
    ? {
        status: 'unknown',
        reason: 'MeshConfigUnknown',
        message: `${about}: there is no ConfigMap ${meshName(revision)} in ${namespace ?? 'istio-system'}`,
        missing,
      }
    : { status: 'unknown', reason: 'Undecided', message: about, missing };
}

/** Lines of what else there is: of a mesh with an object in every namespace, a few. */
const MOST = 5;

/** The first lines, and of how many more. */
export const few = (lines: readonly string[]): readonly string[] =>
  lines.length <= MOST ? lines : [...lines.slice(0, MOST), `and ${lines.length - MOST} more`];

function verdictOf([worst, ...others]: readonly [Loss, ...Loss[]], evidence: Evidence, plane: ControlPlane): Verdict {
  const { told } = evidence;
  const rest = others.flatMap(({ classes }) => classes);
  const more = others.length > 0 ? `; ${sizeOf(rest)} more by ${count(others.length, 'other cause')}` : '';
  return {
    status: worst.isWhole ? 'fail' : 'warn',
    reason: worst.reason,
    message: `${part(worst.classes, evidence)}: ${lossWords(worst, told, plane)}${more}`,
    evidence: [
      ...notesOf(worst, told),
      ...analyzed(worst, told, plane),
      ...linesOf(subjectsIn(worst.classes)),
      ...few(others.map((each) => `${part(each.classes, evidence)}: ${lossWords(each, told, plane)}`)),
    ],
    subjects: subjectsIn([...worst.classes, ...rest]),
    hint: cureOf(worst, told, plane),
  };
}

/** The verdict on these losses; without one, on what is left to say. */
function judged(
  losses: readonly Loss[],
  evidence: Evidence,
  plane: ControlPlane,
  otherwise: () => Verdict,
  which: Side | null = null,
): Verdict {
  if (evidence.told.classes.length === 0)
    return isSome(evidence.told.missing) ? unknown(evidence.told.missing) : NO_PROXY;
  return isSome(losses) ? verdictOf(losses, evidence, plane) : (undecided(evidence, plane, which) ?? otherwise());
}

/** The verdict on losses of some reasons; without one, on what is left to say. */
export const judgeLosses = (
  evidence: Evidence,
  plane: ControlPlane,
  reasons: readonly Reason[],
  otherwise: () => Verdict,
): Verdict =>
  judged(
    lossesOf(evidence).filter(({ reason }) => reasons.includes(reason)),
    evidence,
    plane,
    otherwise,
  );

/** The verdict on what is lost of one side, where that is the side that matters. */
export const judgeSide = (evidence: Evidence, plane: ControlPlane, side: Side, otherwise: () => Verdict): Verdict =>
  judged(lossesOfSide(evidence, side), evidence, plane, otherwise, side);
