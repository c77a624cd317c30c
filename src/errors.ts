import type { Right } from './rights.ts';

/** A failure we foresaw: a user meets it as one line, never as a stack trace. */
export class DiagError extends Error {
  override name = 'DiagError';
}

/** The command line asks for something we do not have. Exit 2. */
export class UsageError extends DiagError {
  override name = 'UsageError';
}

/** A file given as a bundle is none, is cut off, or is newer than this program. Exit 2. */
export class BundleError extends DiagError {
  override name = 'BundleError';
}

/** What was to be printed could not be written: a full disk, a file that is not open for it. Exit 2. */
export class OutputError extends DiagError {
  override name = 'OutputError';
}

/** Why a question got no answer. These words are the `reason` of an `unknown`, and API. */
export type Hindrance =
  | 'Forbidden'
  | 'Unauthorized'
  | 'Unreachable'
  | 'NoKubectl'
  | 'NotFound'
  | 'TimedOut'
  | 'ConnectionRefused'
  | 'BadAnswer'
  | 'TooLarge'
  | 'NotInBundle'
  | 'Interrupted';

/** What every question that got no answer has in common, as plain data. */
export interface Unanswered {
  hindrance: Hindrance;
  /** What a person would type to ask the same. */
  command: string;
  /** kubectl's, the server's or the system's own words. */
  words: string;
  /** The right that the question takes. */
  right: Right;
  /** What was tried in its place, without success. */
  triedInstead: readonly string[];
}

/** The cluster did not answer a question. It costs the checks that need it `unknown`, and nothing else. */
export class NoAnswer extends DiagError {
  override name = 'NoAnswer';
  readonly unanswered: Unanswered;

  constructor(unanswered: Unanswered, options?: ErrorOptions) {
    super(`no answer to \`${unanswered.command}\`: ${unanswered.words}`, options);
    this.unanswered = unanswered;
  }
}

/** The message of anything that was thrown. */
export const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));
