import type { Cluster } from '../cluster/question/cluster.ts';
import type { PrometheusAt } from '../cluster/question/login.ts';
import type { Unanswered } from '../errors.ts';
import type { Right } from '../rights.ts';
import type { History } from './history.ts';

/** The architectures of Istio that are diagnosed differently. */
export type Generation = 'mixer' | 'telemetry-v2' | 'ambient';

/** A control plane under diagnosis: plain data, so pure code may have it. */
export interface ControlPlane {
  generation: Generation;
  /** Where it runs, usually istio-system; null when only its proxies are seen. */
  namespace: string | null;
  revision: string | null;
  /** `1.0.6`, by the image's tag; null when the tag tells no release. */
  version: string | null;
}

/** How many running pods each data plane carries. */
export interface Shares {
  /** With a sidecar of their own. */
  sidecars: number;
  /** Whose connections ztunnel carries. */
  ambient: number;
}

/** What the word after a topic may name. */
export const WORKLOAD_KINDS = ['service', 'deployment', 'statefulset', 'daemonset', 'job', 'pod'] as const;

/** The workload whose metrics are missed. */
export interface Workload {
  kind: (typeof WORKLOAD_KINDS)[number];
  name: string;
  namespace: string;
}

/** What the user asked to be looked at, and how. */
export interface Scope {
  workload: Workload | null;
  /** Workloads of this namespace only; null for all. */
  namespace: string | null;
  /** Workloads with these labels only, as `-l` takes them. */
  selector: string | null;
  istioNamespace: string | null;
  revision: string | null;
  /** Between the two readings of each page, in milliseconds; 0 for one reading. */
  window: number;
  /** How many proxies to ask when Mixer has seen no Report. */
  sample: number;
  prometheus: PrometheusAt | null;
  /** The pod whose proxy is asked how it routes; null for any. Its namespace may be left open. */
  from: { name: string; namespace: string | null } | null;
  /** The browser's clock less this machine's, in milliseconds; 0 where it runs here. */
  clientOffset: number;
}

/** Whether it is about the whole mesh. */
export const isWhole = ({
  workload,
  namespace,
  selector,
}: Pick<Scope, 'workload' | 'namespace' | 'selector'>): boolean =>
  workload === null && namespace === null && selector === null;

/** Whose proxies a source is about: those that were asked for, or those of the workloads that call the one that was named. */
export type Whose = 'asked' | 'callers';

/** What a source may use. Only sources are handed a cluster. */
export interface Ask {
  cluster: Cluster;
  scope: Scope;
  plane: ControlPlane;
  whose: Whose;
  /** The clock, in milliseconds since 1970: that of the run, or of the run that a bundle replays. */
  now: number;
  /** Notes that a list was complete for some namespaces only: every check that stands on it is told. */
  readonly limited: (refusal: Unanswered) => void;
  /** Waits, in milliseconds; not in a replay, and not beyond the end of the run. */
  readonly sleep: (duration: number) => Promise<void>;
  /** Another source's evidence, of the same proxies. Each source gathers once in a run, whoever asks. */
  readonly from: <T>(source: Source<T>, whose?: Whose) => Promise<T>;
}

/** Gathers one piece of evidence. */
export interface Source<T> {
  /** Of the whole cluster, of one control plane, or of those of its proxies that are looked at. */
  of: 'cluster' | 'plane' | 'proxies';
  /** The rights that its own questions take; those of the sources it asks are theirs. */
  rights: readonly Omit<Right, 'namespace'>[];
  gather(ask: Ask): Promise<T>;
}

/** Evidence, or why there is none: for a judge that can say something without it. */
export type Attempt<T> = { got: T } | { missing: Unanswered };

/** Pods that a finding is about, by what a person would mend: the Deployment, not its pods. */
export interface Subject {
  kind: string;
  namespace: string;
  name: string;
  pods: readonly string[];
}

/** What a loss does: pods or series are not there, or all is there and the numbers are false. */
export type Effect = 'missing' | 'wrong';

/** A hop where metrics are lost, by a failure that follows from no other. */
export interface Loss extends History {
  generation: Generation;
  namespace: string | null;
  revision: string | null;
  hop: string | null;
  step: string;
  reason: string;
  effect: Effect;
  /** Whether it is the named workload's own, or its callers' of it; null of what is wrong with the whole mesh. */
  about: 'workload' | 'callers' | null;
}

/** A loss before it is known since when. */
export interface Lost {
  loss: Omit<Loss, keyof History>;
  /** What loses, as far as its findings name it. */
  subjects: readonly Subject[];
}

/** What a check concludes. A warning or a failure says what to do next; what was not looked at says why. */
export type Verdict = {
  /** What was seen, with its numbers, in one line. */
  message: string;
  /** Lines of pages and logs, objects' fields. */
  evidence?: readonly string[];
  /** All pods that it is about, where `evidence` names ten lines at most. */
  subjects?: readonly Subject[];
} & (
  | { status: 'pass' | 'skip' }
  | {
      status: 'warn' | 'fail';
      /** CamelCase and stable; explained in the check's `reasons`. */
      reason: string;
      hint: string;
      /** `missing` by default. */
      effect?: Effect;
      /** Steps whose failure explains this one, in the flow's order; the check's own step means a check before it. */
      mayFollowFrom?: readonly string[];
      /** What this is when none of those steps failed: an idle mesh is not a broken one. */
      withoutCause?: 'unknown';
    }
  | {
      status: 'unknown';
      /** One of the check's `reasons`, or a Hindrance. */
      reason: string;
      hint?: string;
      missing: readonly Unanswered[];
    }
);

/** One question with one verdict. */
export interface Check<Evidence> {
  /** Kebab-case and stable: users name it in scripts and bug reports. */
  id: string;
  /** What holds when the check passes: 'Mixer is receiving Report calls'. */
  title: string;
  /** Why it matters and how it is judged, for `explain`. */
  explains: string;
  /** The reasons of its warnings and failures, and what each means, in a sentence. */
  reasons: Readonly<Record<string, string>>;
  needs: { readonly [Name in keyof Evidence]: Source<Evidence[Name]> };
  /**
   * Whether it judges the one workload that was asked for: its failure comes before those of the whole mesh. Or its callers:
   * where no workload was named there are none, and the check is left out.
   */
  about?: 'workload' | 'callers';
  /** Pure: the same evidence always gets the same verdict. */
  judge(evidence: Evidence, context: JudgeContext): Verdict;
}

/** What a judge knows beside its evidence: plain data. */
export interface JudgeContext {
  plane: ControlPlane;
  scope: Scope;
  /** The clock of the run, or of the run that a bundle replays: milliseconds since 1970. */
  now: number;
}

export type AnyCheck = Check<Record<string, unknown>>;

/** A hop of a generation's flow: where metrics can be lost. */
export type Hop = string;

/** One instruction of the guide, and the checks that carry it out. */
export interface Step {
  /** A stable name that mirrors the guide's order. */
  id: string;
  /** The guide's own title. */
  title: string;
  hop: Hop | null;
  /** The instruction in the guide of this release. */
  docs(version: string | null): string;
  checks: readonly AnyCheck[];
  /** The check whose message stands for the step when all is well; the first by default. */
  headline?: string;
}

/** What was measured at a hop: `in` before it, `out` behind it; null is not measured. */
export interface Flow {
  hop: Hop;
  /** What the two numbers are called where the ends of the hop do not tell: `workloads` and `in mesh`. */
  between?: readonly [string, string];
  /** The steps whose failure is a loss here; those of the hop by default. */
  steps?: readonly string[];
  in: number | null;
  out: number | null;
  unit: string;
}

/** Draws the flow picture from evidence. */
export interface Meter<Evidence> {
  needs: { readonly [Name in keyof Evidence]: Source<Evidence[Name]> };
  measure(evidence: Evidence): readonly Flow[];
}

/** What a topic does for one generation. */
export interface Walk {
  steps: readonly Step[];
  meter: Meter<Record<string, unknown>> | null;
}

/** What a topic is called: one section of Istio's Troubleshooting Guide, and one subcommand of ours. */
export interface Heading {
  id: string;
  title: string;
  /** In one sentence, for --help. */
  summary: string;
  /** What of the guide's section still holds, and what is done otherwise, for `explain`. */
  about: string;
  /** The flags that change what it does, beside those of every topic. */
  flags: readonly string[];
  /** What the word after the topic may name; null when it takes none. */
  workload: string | null;
}

/** What a topic does. */
export interface Content {
  /**
   * What is judged once each: the telemetry of a generation, or a control plane, which may serve two generations (an
   * istiod with Mixer beside it, an istiod with ztunnel).
   */
  once: 'for each generation' | 'for each control plane';
  walks: Readonly<Record<Generation, Walk>>;
  /** Every source that asks the cluster something, for `rbac`. */
  sources: readonly Source<unknown>[];
  /** Since when losses are there, by their keys (losses.ts): asked for only where there are some. */
  history?: (lost: readonly Lost[]) => Source<ReadonlyMap<string, History>>;
}

export interface Topic extends Heading, Content {}

/** The identity: infers a check's evidence from its `needs`. */
export const defineCheck = <Evidence>(check: Check<Evidence>): Check<Evidence> => check;

/** The identity, for a meter. */
export const defineMeter = <Evidence>(meter: Meter<Evidence>): Meter<Evidence> => meter;
