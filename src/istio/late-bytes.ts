/**
 * The first patches that count a connection to what has no proxy, and its bytes, while it lasts, by their minor releases. From
 * 1.19.0 on both were counted when it ended (istio/istio#51100, #52060; picked for 1.20, 1.21 and 1.22 on 2024-06-10, so in the
 * patches of 2024-06-27 at the latest); 1.19 had reached its end.
 */
const FIRST_PATCH: ReadonlyMap<number, number> = new Map([
  [19, Number.POSITIVE_INFINITY],
  [20, 8],
  [21, 4],
  [22, 2],
]);

/** Whether a proxy of this release counts so late; null of one of these without its patch, of which nobody knows. */
export function countsLate(release: string): boolean | null {
  const [, minor = '', patch] = /^1\.(\d+)(?:\.(\d+))?/.exec(release) ?? [];
  const first = FIRST_PATCH.get(Number(minor));
  if (first === undefined) return false;
  if (first === Number.POSITIVE_INFINITY) return true;
  return patch === undefined ? null : Number(patch) < first;
}
