import { type Change, timeOf } from '../../diagnosis/history.ts';
import type { Happened } from '../../evidence/kubernetes/happened.ts';
import { grouped } from '../../evidence/kubernetes/lists.ts';
import type { Managed } from '../../evidence/kubernetes/managed.ts';
import { fieldPathsIn } from './field-paths.ts';

/** So long before a loss a change may be what it follows from (s), and so long after: clocks differ. */
const [BEFORE, AFTER] = [24 * 3600, 60];

/** What one hand does at once (s). */
const TOGETHER = 2;

/** Changes of one loss that are told. */
const MOST = 10;

/** Fields of one change that are named. */
const MOST_FIELDS = 5;

/** A change before it is told, and whether it is of a kind that decides about the hop. */
interface Noted extends Omit<Change, 'secondsBefore' | 'others'> {
  decides: boolean;
}

/** What was changed around a time, in seconds since 1970: what decides first, then the nearest. */
export function changesAround(
  lostAt: number,
  objects: readonly Managed[],
  happened: readonly Happened[],
  deciding: ReadonlySet<string>,
): readonly Change[] {
  const near = <T extends Noted>(noted: readonly T[]): readonly (T & Pick<Change, 'secondsBefore'>)[] =>
    noted.flatMap((each) => {
      const secondsBefore = Math.round(lostAt - Date.parse(each.at) / 1000);
      return secondsBefore <= BEFORE && secondsBefore >= -AFTER ? [{ ...each, secondsBefore }] : [];
    });
  const changed = near(objects.flatMap((each) => notedIn(each, deciding.has(each.kind))));
  const seen = near(happened.map((each) => notedOf(each, deciding)));
  const [events, others] = [seen.filter(isEvent), seen.filter((each) => !isEvent(each))];
  const known = [...changed, ...others.filter((each) => !follows(each, changed))];
  return [...folded(known), ...alike(events.filter((each) => !follows(each, known)))]
    .sort((a, b) => Number(b.decides) - Number(a.decides) || Math.abs(a.secondsBefore) - Math.abs(b.secondsBefore))
    .slice(0, MOST)
    .map(({ at, kind, namespace, name, manager, operation, fields, secondsBefore, others }): Change => {
      return { at, kind, namespace, name, manager, operation, fields, secondsBefore, others };
    });
}

/** That it was made, and who has changed it since. */
function notedIn({ kind, namespace, name, createdAt, fields }: Managed, decides: boolean): readonly Noted[] {
  const of = { kind, namespace, name, decides };
  const made = Date.parse(createdAt ?? '');
  const isMaking = (time: string | undefined): boolean => Math.abs(Date.parse(time ?? '') - made) <= 1000 * TOGETHER;
  const maker = fields.find(({ time }) => isMaking(time));
  const creation: readonly Noted[] =
    createdAt === null
      ? []
      : [{ ...of, at: createdAt, manager: maker?.manager ?? null, operation: 'Create', fields: [] }];
  const changes = fields.flatMap(({ manager, operation, time, subresource, fieldsV1 }): readonly Noted[] => {
    const paths = fieldPathsIn(fieldsV1);
    if (time === undefined || isMaking(time) || subresource === 'status' || paths.length === 0) return [];
    const more = paths.length - MOST_FIELDS;
    return [
      {
        ...of,
        at: time,
        manager: manager ?? null,
        operation: operation === 'Apply' ? 'Apply' : 'Update',
        fields: more > 1 ? [...paths.slice(0, MOST_FIELDS), `and ${more} more`] : paths,
      },
    ];
  });
  return [...creation, ...changes];
}

function notedOf({ at, ...happened }: Happened, deciding: ReadonlySet<string>): Noted {
  const decides = happened.operation === 'Rollout' && deciding.has(happened.kind);
  return { ...happened, at: timeOf(at / 1000), decides };
}

const isEvent = ({ operation }: Pick<Change, 'operation'>): boolean => operation === 'Event';

/** Whether it is what a change of the same Deployment brings about: that was told already, with who did it. */
const follows = (each: Near, others: readonly Near[]): boolean =>
  each.kind === 'Deployment' &&
  others.some(
    (other) =>
      other.kind === each.kind &&
      other.namespace === each.namespace &&
      other.name === each.name &&
      Math.abs(other.secondsBefore - each.secondsBefore) <= TOGETHER,
  );

type Near = Noted & Pick<Change, 'secondsBefore'>;

/** What one manager did at once is one change: of what decides, where something does, and of the latest. */
function folded(changes: readonly Near[]): readonly (Near & Pick<Change, 'others'>)[] {
  const groups: Near[][] = [];
  for (const each of [...changes].sort((a, b) => a.secondsBefore - b.secondsBefore)) {
    const group = groups.find(
      ([first]) =>
        first !== undefined &&
        first.manager === each.manager &&
        each.secondsBefore - first.secondsBefore <= TOGETHER &&
        (first.kind === 'Pod') === (each.kind === 'Pod'),
    );
    if (group) group.push(each);
    else groups.push([each]);
  }
  return groups.flatMap((group) => {
    // Two may both be what one looks for.
    if (group.length < 3) return group.map((each) => ({ ...each, others: 0 }));
    const told = group.find(({ decides }) => decides) ?? group[0];
    const objects = new Set(group.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`));
    return told ? [{ ...told, others: objects.size - 1 }] : [];
  });
}

/** Events that say the same of several objects of a namespace are one: the one that is nearest to the loss. */
function alike(events: readonly Near[]): readonly (Near & Pick<Change, 'others'>)[] {
  const nearest = [...events].sort((a, b) => Math.abs(a.secondsBefore) - Math.abs(b.secondsBefore));
  const groups = grouped(nearest, ({ namespace, kind, fields: [said = ''] }) =>
    JSON.stringify([namespace, kind, said.split(':')[0]]),
  );
  return [...groups.values()].flatMap((group) => {
    const objects = new Set(group.map(({ name }) => name));
    return group.slice(0, 1).map((each) => ({ ...each, others: objects.size - 1 }));
  });
}
