import type { Metrics } from '../../prometheus/metrics.ts';

/** Errors that Mixer counts about its configuration (mixer.md 2.2, 2.4). */
export const ERROR_KINDS = [
  'instance',
  'rule',
  'adapter',
  'template',
  'match',
  'unsatisfied-handler',
  'handler-validation',
  'handler-build',
] as const;
export type ErrorKind = (typeof ERROR_KINDS)[number];

/** Answers by their gRPC code. */
export interface ReportCalls {
  total: number;
  /** Answered OK. */
  ok: number;
  byCode: Readonly<Record<string, number>>;
  /** The samples as the page has them. */
  lines: readonly string[];
}

/** Dispatches of metric instances to adapters called prometheus. */
export interface Dispatches {
  ok: number;
  failed: number;
  /** Whether the page has the series at all: what their absence means differs by dialect (mixer.md 2.5). */
  present: boolean;
  lines: readonly string[];
}

/** An error count; null where this Mixer does not export it. */
export interface ErrorCount {
  metric: string;
  count: number | null;
}

/** One Mixer's page about itself, in words that are the same for every release. */
export interface MixerReading {
  dialect: 'O' | 'A' | 'B' | 'C';
  /** The releases that write such a page. */
  releases: string;
  reports: ReportCalls;
  /** Of the newest configuration; null where there is no such number. */
  configId: number | null;
  /** False when Mixer has not built a configuration with anything in it yet. */
  configLoaded: boolean;
  counts: Readonly<Record<'attributes' | 'handlers' | 'instances' | 'rules', number | null>>;
  /** From 1.2 on only accepted rules are counted. */
  countsOnlyAccepted: boolean;
  errors: Readonly<Record<ErrorKind, ErrorCount>>;
  dispatches: Dispatches;
  /** Whether a dispatch proves that a metric instance was sent: not in 1.0 and 1.1 (mixer.md 0, finding 4). */
  dispatchProves: boolean;
  /** Requests that made at least two instances: what proves it instead; null where it cannot be told. */
  requestsWithInstances: number | null;
  /** Resolutions of a service's configuration; null from 0.8 on. */
  resolutions: readonly { target: string; failed: boolean; count: number }[] | null;
  /** Reports refused because Mixer was overloaded. */
  throttled: number;
  /** Seconds since 1970; a later reading with another start is another process. */
  startedAt: number | null;
}

/** How a run of releases writes its page; chosen by what is on the page, never by a version (mixer.md 2.0). */
export interface Dialect {
  speaks(page: Metrics): boolean;
  read(page: Metrics): MixerReading;
}

/** The families that a reading needs; all others are skipped as they come in. */
export const readingWants = (name: string): boolean =>
  /^(mixer_|grpc_server_handled_total$|grpc_io_server_completed_rpcs$|process_start_time_seconds$|go_goroutines$)/.test(
    name,
  ) && !/duration|latency/.test(name);
