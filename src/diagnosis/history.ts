/** Since when something is lost: times are RFC 3339 in UTC, of the store's clock. */
export interface Since {
  /** When the first sample was missing: one was due then, or is seen to be absent. */
  at: string;
  /** How long before the run that was, by the store's clock. */
  secondsAgo: number;
  /** The last sample that was there. What happened, happened between the two. */
  notBefore: string;
  /** What was looked for: a series, as PromQL selects it. */
  series: string;
  from: 'prometheus-history';
  /** The same of each of the loss's subjects that has lost something. */
  subjects: readonly { kind: string; namespace: string; name: string; at: string; notBefore: string }[];
}

/** What was changed around the time at which something was lost. Whether that is the reason is not known. */
export interface Change {
  /** RFC 3339 in UTC, of the API server's clock. */
  at: string;
  kind: string;
  /** Null of what lies in none. */
  namespace: string | null;
  name: string;
  /** Who: `kubectl-edit`, `helm`; of an Event who tells of it; null of a pod that begins and of a rollout. */
  manager: string | null;
  operation: 'Create' | 'Update' | 'Apply' | 'Start' | 'Restart' | 'Rollout' | 'Event';
  /**
   * The fields that the manager has set, in the words of Kubernetes; all that are its own, whenever they were set. Of a rollout
   * which revision it is, of an Event its reason and message.
   */
  fields: readonly string[];
  /** How long before the first missing sample; below 0 where it was after. */
  secondsBefore: number;
  /** How many more objects the same manager changed with it, within two seconds; of an Event, how many more had one like it. */
  others: number;
}

/** What is known of a loss beside that it is there. */
export interface History {
  since: Since | null;
  /** Why it is not known since when; null where it is, or where nobody has looked. */
  undated: string | null;
  /** What was changed around then, what decides about the hop first, then the nearest; at most ten. */
  changes: readonly Change[];
  /** Why none is known, or why there may be more; null where all was looked at and some are, or where nobody has looked. */
  unchanged: string | null;
}

/** Of a loss into which nobody has looked. */
export const UNDATED: History = { since: null, undated: null, changes: [], unchanged: null };

/** What is known of a loss, so many seconds after it was looked for. */
export const later = (history: History, seconds: number): History =>
  history.since === null
    ? history
    : { ...history, since: { ...history.since, secondsAgo: Math.max(0, history.since.secondsAgo + seconds) } };

/** Seconds since 1970 in RFC 3339, in UTC and to the second, as Kubernetes has it. */
export const timeOf = (seconds: number): string => new Date(seconds * 1000).toISOString().replace(/\.\d+/, '');
