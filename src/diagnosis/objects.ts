import type { Finding } from './finding.ts';

/** What tells of objects in a finding, also in a report of a release that had no `subjects` yet. */
export type Naming = Pick<Finding, 'message' | 'evidence'> & Partial<Pick<Finding, 'subjects'>>;

/** `NAMESPACE/NAME` in prose: no path, no address, no label, no `requests/s`. */
const NAMED =
  /(?<![\w./:=@-])([a-z0-9](?:[a-z0-9-]*[a-z0-9])?\/(?!s(?![\w.-]))[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?![\w/=-])/g;

/** What a ReplicaSet adds to a Deployment's name, and to its own: of Kubernetes' safe alphabet, or of digits before 1.11. */
const OF_REPLICA = /-[0-9bcdfghjklmnpqrstvwxz]{6,10}-[0-9bcdfghjklmnpqrstvwxz]{5}$/;

/** Evidence is cut at ten or twenty lines, and a message at three names: what has so many may have more. */
const MANY = 10;

const CUT = /\band \d+ more\b/;

/** The objects that a finding is about: all of them, unless a list of names was cut. */
export interface Objects {
  /** `NAMESPACE/NAME`, each once, of pods that come and go what they are of. */
  names: readonly string[];
  isCut: boolean;
}

/** A finding's subjects; where it has none, what its message and evidence name. */
export function objectsOf({ message, evidence, subjects = [] }: Naming): Objects {
  if (subjects.length > 0)
    return { names: distinct(subjects.map(({ namespace, name }) => `${namespace}/${name}`)), isCut: false };
  const named = [message, ...evidence].flatMap((text) => [...text.matchAll(NAMED)].map(([, name = '']) => name));
  const isCut = evidence.length >= MANY || (evidence.length === 0 && CUT.test(message));
  return { names: distinct(named.map((name) => name.replace(OF_REPLICA, ''))), isCut };
}

const distinct = (names: readonly string[]): readonly string[] => [...new Set(names)].sort();
