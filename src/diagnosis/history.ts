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

/** What is known of a loss beside that it is there. */
export interface History {
  since: Since | null;
  /** Why it is not known since when; null where it is, or where nobody has looked. */
  undated: string | null;
}

/** Of a loss into which nobody has looked. */
export const UNDATED: History = { since: null, undated: null };
