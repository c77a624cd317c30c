import { NoAnswer } from '../errors.ts';
import type { Ask, Attempt, Source } from './check.ts';

/** A source of the whole cluster: gathered once, whatever control planes there are. */
export const clusterSource = <T>(rights: Source<T>['rights'], gather: (ask: Ask) => Promise<T>): Source<T> => ({
  of: 'cluster',
  rights,
  gather,
});

/** A source of one control plane. */
export const planeSource = <T>(rights: Source<T>['rights'], gather: (ask: Ask) => Promise<T>): Source<T> => ({
  of: 'plane',
  rights,
  gather,
});

const attempts = new WeakMap<Source<unknown>, Source<Attempt<unknown>>>();

/** `source` for a judge that can do without: a question without answer becomes evidence instead of ending the check. */
export function attempt<T>(source: Source<T>): Source<Attempt<T>> {
  const known = attempts.get(source);
  if (known) return known as Source<Attempt<T>>;
  const attempted: Source<Attempt<T>> = {
    of: source.of,
    rights: source.rights,
    gather: (ask) => settle(ask.from(source)),
  };
  attempts.set(source, attempted);
  return attempted;
}

/** A promise's value, or why its question got no answer. Bugs stay thrown. */
export async function settle<T>(promise: Promise<T>): Promise<Attempt<T>> {
  try {
    return { got: await promise };
  } catch (error) {
    if (error instanceof NoAnswer) return { missing: error.unanswered };
    throw error;
  }
}
