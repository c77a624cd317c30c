import type { Cluster } from '../cluster/question/cluster.ts';
import { commandOf, type Question } from '../cluster/question/question.ts';
import type { Unanswered } from '../errors.ts';
import type { Ask, ControlPlane, Scope, Source, Whose } from './check.ts';

/** A source at work, or done. */
interface Gathering {
  evidence: Promise<unknown>;
  /** Its own questions as a reader would type them, and those of the sources it asked. */
  commands: Set<string>;
  asked: Set<Gathering>;
  /** Lists that some namespaces only could be asked for. */
  limits: Set<Unanswered>;
  /** Milliseconds; null while it is at work. */
  took: number | null;
}

/** What one source brought, and what it cost. */
export interface Gathered {
  evidence: unknown;
  commands: readonly string[];
  durationMs: number;
}

/** Where there is no control plane yet: sources of the cluster do not look at it. */
const NO_PLANE: ControlPlane = { generation: 'mixer', namespace: null, revision: null, version: null };

/** Lets every source gather once in a run, whoever asks for its evidence and however often. */
export class Gatherer {
  private readonly cluster: Cluster;
  private readonly scope: Scope;
  readonly now: number;
  private readonly sleep: Ask['sleep'];
  private readonly clock: () => number;
  private readonly gatherings = new Map<string, Map<Source<unknown>, Gathering>>();

  /** `clock` tells milliseconds, for durations. */
  constructor({ cluster, scope, now, sleep }: Pick<Ask, 'cluster' | 'scope' | 'now' | 'sleep'>, clock: () => number) {
    this.cluster = cluster;
    this.scope = scope;
    this.now = now;
    this.sleep = sleep;
    this.clock = clock;
  }

  /** Evidence of the whole cluster. Rejects with NoAnswer when there is none. */
  async ofCluster<T>(source: Source<T>): Promise<T> {
    return (await this.gather(source, NO_PLANE)).evidence as T;
  }

  /** Evidence with its commands and duration. Rejects with NoAnswer when there is none. */
  async gather(source: Source<unknown>, plane: ControlPlane): Promise<Gathered> {
    const gathering = this.start(source, plane);
    const evidence = await gathering.evidence;
    return { evidence, commands: commandsOf(gathering), durationMs: gathering.took ?? 0 };
  }

  /** What a source asked, also when it got no answer. */
  commands(source: Source<unknown>, plane: ControlPlane): readonly string[] {
    return commandsOf(this.start(source, plane));
  }

  /** Lists under a source's evidence that are complete for some namespaces only. */
  limits(source: Source<unknown>, plane: ControlPlane): readonly Unanswered[] {
    return limitsOf(this.start(source, plane));
  }

  private start(source: Source<unknown>, plane: ControlPlane, whose: Whose = 'asked'): Gathering {
    const key = keyOf(source, plane, whose);
    const ofPlane = this.gatherings.get(key) ?? new Map<Source<unknown>, Gathering>();
    this.gatherings.set(key, ofPlane);
    const known = ofPlane.get(source);
    if (known) return known;
    const started = this.clock();
    const gathering: Gathering = {
      evidence: Promise.resolve(),
      commands: new Set(),
      asked: new Set(),
      limits: new Set(),
      took: null,
    };
    ofPlane.set(source, gathering);
    gathering.evidence = source.gather(this.ask(gathering, source, plane, whose)).finally(() => {
      gathering.took = Math.max(0, this.clock() - started);
    });
    // Somebody will await it; until then a failure must not count as unhandled.
    gathering.evidence.catch(() => undefined);
    return gathering;
  }

  private ask(gathering: Gathering, { of }: Source<unknown>, plane: ControlPlane, whose: Whose): Ask {
    const noting = <Q extends Question, A>(ask: (question: Q) => Promise<A>) => {
      return (question: Q): Promise<A> => {
        gathering.commands.add(commandOf(question));
        return ask(question);
      };
    };
    return {
      cluster: {
        list: noting((question) => this.cluster.list(question)),
        read: noting((question) => this.cluster.read(question)),
      },
      scope: this.scope,
      plane,
      whose,
      now: this.now,
      sleep: this.sleep,
      limited: (refusal) => gathering.limits.add(refusal),
      from: async <T>(source: Source<T>, others?: Whose): Promise<T> => {
        // Such a source would be gathered once, for whoever asks first.
        if (source.of === 'proxies' && of !== 'proxies' && others === undefined)
          throw new Error('a source that is not of proxies asks one that is');
        const other = this.start(source, plane, others ?? whose);
        gathering.asked.add(other);
        return (await other.evidence) as T;
      },
    };
  }
}

/** What a source gathers is of no more than it is about. */
function keyOf({ of }: Source<unknown>, plane: ControlPlane, whose: Whose): string {
  if (of === 'cluster') return '';
  return of === 'plane' ? JSON.stringify(plane) : JSON.stringify([plane, whose]);
}

function commandsOf(gathering: Gathering): readonly string[] {
  const all = new Set(gathering.commands);
  for (const other of gathering.asked) for (const command of commandsOf(other)) all.add(command);
  return [...all].sort();
}

function limitsOf(gathering: Gathering): readonly Unanswered[] {
  return [...new Set([...gathering.limits, ...[...gathering.asked].flatMap(limitsOf)])];
}
