import type { ControlPlane, Verdict } from '../../../../diagnosis/check.ts';
import { skip, some } from '../../../../diagnosis/verdict.ts';
import type { Binding } from '../../../../evidence/ambient/bindings.ts';
import { grouped } from '../../../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { isAtLeast } from '../../../../istio/release.ts';

/** `Service shop/cart`. */
export const titled = ({ of }: Binding): string => `${of.kind} ${titleOf(of)}`;

/** `shop/cart, shop/web and 3 more`. */
export const named = (all: readonly Binding[]): string => some(all.map(({ of }) => titleOf(of)));

/** What asks, by the waypoint that it asks for. */
export const byWaypoint = (all: readonly Binding[]): ReadonlyMap<string, readonly Binding[]> =>
  grouped(all, ({ wish }) => titleOf(wish));

export const rates = (all: ReadonlyMap<string, number>): number =>
  [...all.values()].reduce((sum, rate) => sum + rate, 0);

/** `shop/web and shop/office`: who it is that has these rates. */
export const callers = (all: ReadonlyMap<string, number>): string => some([...all.keys()].sort());

/** Ten lines at most. */
export const lines = (all: readonly string[]): readonly string[] =>
  all.length <= 10 ? all : [...all.slice(0, 9), `and ${all.length - 9} more`];

/** Where no waypoint runs, whether or not one is asked for. */
export const NO_WAYPOINT = 'no pod of a waypoint of Istio’s is looked at';

/** Where nobody asks for a waypoint. */
export const NOBODY_ASKS =
  'nobody asks for a waypoint: connections are counted (istio_tcp_*), and no requests that callers in ambient send, as it is meant to be';

/** Before this release a waypoint serves its namespace, or an account of it: nothing asks for one by a label. */
const ASKED_FOR = '1.22';

/** Why waypoints of older releases are not looked at; null where they are. */
export const beforeLabels = ({ version }: ControlPlane): Verdict | null =>
  version === null || isAtLeast(version, ASKED_FOR)
    ? null
    : skip(`before ${ASKED_FOR} a waypoint serves its namespace, or an account of it, which is not looked at`);
