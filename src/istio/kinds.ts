import { hasLabels, rulesIn } from './destination-rules.ts';
import type { Caller } from './http-rules.ts';
import type { Routing } from './routing.ts';

/** Labels that a caller must have. */
export type Labels = Readonly<Record<string, string>>;

/** Every list of labels by which objects of a mesh tell callers apart. */
export const selectorsIn = ({ sidecars, virtualServices, destinationRules }: Routing): readonly Labels[] =>
  [
    ...sidecars.map(({ selector }) => selector),
    ...[...destinationRules.local.values()].flatMap(rulesIn).map(({ workloadSelector }) => workloadSelector),
    ...virtualServices
      .flatMap(({ http, other }) => [...http, ...other].map(({ matches }) => matches))
      .flatMap((matches) => matches.map(({ sourceLabels }) => sourceLabels)),
  ].filter((each) => each !== null && each !== undefined);

/** Selectors by the first label that they ask for: a mesh may have thousands, of which few are about one pod. */
function byFirstLabel(selectors: readonly Labels[]): (labels: Labels) => readonly Labels[] {
  const found = new Map<string, Labels[]>();
  const key = ([name, value]: [string, string]): string => `${name}=${value}`;
  for (const selector of selectors) {
    const [first] = Object.entries(selector);
    // One that asks for nothing tells nobody apart.
    if (!first) continue;
    const same = found.get(key(first));
    if (same) same.push(selector);
    else found.set(key(first), [selector]);
  }
  return (labels) => Object.entries(labels).flatMap((each) => found.get(key(each)) ?? []);
}

/**
 * One caller for all those of a namespace that the same selectors take in. It has the labels that those ask for, and no other
 * selector takes these in: one that did would take in each of the callers as well.
 */
export function kindsOf(callers: readonly Caller[], selectors: readonly Labels[]): readonly Caller[] {
  const candidates = byFirstLabel(selectors);
  const found = new Map<string, Caller>();
  for (const { namespace, labels } of callers) {
    const asked = candidates(labels)
      .filter((selector) => hasLabels(selector, labels))
      .flatMap((selector) => Object.entries(selector));
    const own = [...new Map(asked)].sort(([a], [b]) => (a < b ? -1 : 1));
    found.set(JSON.stringify([namespace, own]), { namespace, labels: Object.fromEntries(own) });
  }
  return [...found.values()];
}
