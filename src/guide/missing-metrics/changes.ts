import { type Change, timeOf } from '../../diagnosis/history.ts';
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

/** A container that began. */
export interface Begun {
  namespace: string;
  pod: string;
  /** Milliseconds since 1970. */
  at: number;
  again: boolean;
}

/** What was changed around a time, in seconds since 1970: what decides first, then the nearest. */
export function changesAround(
  lostAt: number,
  objects: readonly Managed[],
  begun: readonly Begun[],
  deciding: ReadonlySet<string>,
): readonly Change[] {
  const noted = [...objects.flatMap((each) => notedIn(each, deciding.has(each.kind))), ...begun.map(notedOf)];
  const near = noted.flatMap((each) => {
    const secondsBefore = Math.round(lostAt - Date.parse(each.at) / 1000);
    return secondsBefore <= BEFORE && secondsBefore >= -AFTER ? [{ ...each, secondsBefore }] : [];
  });
  return [...folded(near)]
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

const notedOf = ({ namespace, pod, at, again }: Begun): Noted => ({
  at: timeOf(at / 1000),
  kind: 'Pod',
  namespace,
  name: pod,
  manager: null,
  operation: again ? 'Restart' : 'Start',
  fields: [],
  decides: false,
});

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
