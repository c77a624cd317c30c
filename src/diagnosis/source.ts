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

/** A source of those proxies of one control plane that are looked at: what is asked for them may be asked for their callers. */
export const proxySource = <T>(rights: Source<T>['rights'], gather: (ask: Ask) => Promise<T>): Source<T> => ({
  of: 'proxies',
  rights,
  gather,
});

const callers = new WeakMap<Source<unknown>, Source<unknown>>();

/** `source` of the callers' proxies, in place of those that were asked for. */
export function ofCallers<T>(source: Source<T>): Source<T> {
  if (source.of !== 'proxies') return source;
  const known = callers.get(source);
  if (known) return known as Source<T>;
  const made: Source<T> = { of: 'plane', rights: source.rights, gather: (ask) => ask.from(source, 'callers') };
  callers.set(source, made);
  return made;
}

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
