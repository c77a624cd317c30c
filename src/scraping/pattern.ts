import { type Node, Reader, Unread } from './pattern-reader.ts';

/** What one step of a pattern's program does. */
type Step =
  | { does: 'take'; fits: (character: string) => boolean }
  | { does: 'split'; to: readonly [number, number] }
  | { does: 'jump'; to: number }
  | { does: 'mark'; slot: number }
  | { does: 'begin' | 'end' | 'match' };

/** What a relabelling rule may need; RE2 has its limits, too. */
const MOST_STEPS = 2000;
const LONGEST = 2000;
const MOST_ANSWERS = 1000;

/**
 * A regular expression as Prometheus has them: RE2's, over the whole text. The rules of monitors are written by whoever may write
 * one into some namespace, so they are matched without going back (Thompson's way): no pattern takes longer than its length by
 * that of the text.
 */
export class Pattern {
  private static readonly known = new Map<string, Pattern | null>();

  /** Null where the pattern holds what is not understood here. */
  static of(source: string): Pattern | null {
    const known = Pattern.known.get(source);
    if (known !== undefined) return known;
    let made: Pattern | null = null;
    try {
      made = new Pattern(source);
    } catch (error) {
      if (!(error instanceof Unread)) throw error;
    }
    Pattern.known.set(source, made);
    return made;
  }

  private readonly program: Step[] = [];
  private readonly slots: number;
  private readonly names: ReadonlyMap<string, number>;
  /** Parts that were compiled: a part that takes nothing makes no step, however often it is repeated. */
  private compiled = 0;

  private constructor(source: string) {
    if (source.length > LONGEST) throw new Unread();
    const reader = new Reader(source);
    const node = reader.read();
    this.slots = reader.groups * 2;
    this.names = reader.names;
    this.compile(node);
    this.add({ does: 'match' });
  }

  private add(step: Step): number {
    if (this.program.length >= MOST_STEPS) throw new Unread();
    return this.program.push(step) - 1;
  }

  private compile(node: Node): void {
    if (++this.compiled > 10 * MOST_STEPS) throw new Unread();
    if (node.is === 'one') this.add({ does: 'take', fits: node.fits });
    else if (node.is === 'row') for (const each of node.of) this.compile(each);
    else if (node.is === 'begin' || node.is === 'end') this.add({ does: node.is });
    else if (node.is === 'group') {
      this.add({ does: 'mark', slot: node.index * 2 });
      this.compile(node.of);
      this.add({ does: 'mark', slot: node.index * 2 + 1 });
    } else if (node.is === 'either') this.compileEither(node.of);
    else this.compileMany(node);
  }

  private compileEither([first, ...rest]: readonly Node[]): void {
    if (!first) return;
    if (rest.length === 0) {
      this.compile(first);
      return;
    }
    const split = this.add({ does: 'jump', to: 0 });
    this.compile(first);
    const jump = this.add({ does: 'jump', to: 0 });
    this.program[split] = { does: 'split', to: [split + 1, this.program.length] };
    this.compileEither(rest);
    this.program[jump] = { does: 'jump', to: this.program.length };
  }

  private compileMany({ of, least, most, lazy }: Extract<Node, { is: 'many' }>): void {
    for (let each = 0; each < least; each++) this.compile(of);
    const split = (at: number, inside: number, after: number): void => {
      this.program[at] = { does: 'split', to: lazy ? [after, inside] : [inside, after] };
    };
    if (most === Number.POSITIVE_INFINITY) {
      const at = this.add({ does: 'jump', to: 0 });
      this.compile(of);
      this.add({ does: 'jump', to: at });
      split(at, at + 1, this.program.length);
      return;
    }
    const optional: number[] = [];
    for (let each = least; each < most; each++) {
      optional.push(this.add({ does: 'jump', to: 0 }));
      this.compile(of);
    }
    for (const at of optional) split(at, at + 1, this.program.length);
  }

  /** Pods are alike: of what was asked before the answer is known. */
  private readonly answers = new Map<string, readonly string[] | null>();

  /** What the groups hold of a text that fits as a whole, the text itself first; null where it does not fit. */
  groupsIn(text: string): readonly string[] | null {
    const known = this.answers.get(text);
    if (known !== undefined) return known;
    const groups = this.match(text);
    if (this.answers.size < MOST_ANSWERS) this.answers.set(text, groups);
    return groups;
  }

  /** A replacement with what the groups of a text hold, as Go's regexp.Expand writes it: by number or by name. */
  filled(replacement: string, groups: readonly string[]): string {
    return replacement.replace(
      /\$(?:\{(\w+)\}|(\w+)|(\$))/g,
      (_all, braced?: string, bare?: string, dollar?: string) => {
        const name = braced ?? bare ?? '';
        return dollar ?? groups[/^\d+$/.test(name) ? Number(name) : (this.names.get(name) ?? -1)] ?? '';
      },
    );
  }

  private match(text: string): readonly string[] | null {
    let threads = new Map<number, readonly number[]>();
    this.follow(0, 0, text.length, [], threads);
    for (let at = 0; at < text.length; at++) {
      const next = new Map<number, readonly number[]>();
      for (const [step, marks] of threads) {
        const taking = this.program[step] as Step;
        if (taking.does === 'take' && taking.fits(text.charAt(at)))
          this.follow(step + 1, at + 1, text.length, marks, next);
      }
      if (next.size === 0) return null;
      threads = next;
    }
    const marks = threads.get(this.program.length - 1);
    if (!marks) return null;
    const groups = [text];
    for (let slot = 2; slot < this.slots + 2; slot += 2)
      groups.push(text.slice(marks[slot] ?? 0, marks[slot + 1] ?? 0));
    return groups;
  }

  /** Adds the steps that can be reached without taking a character, the preferred first. */
  private follow(
    first: number,
    at: number,
    length: number,
    marks: readonly number[],
    into: Map<number, readonly number[]>,
  ): void {
    const open: { step: number; marks: readonly number[] }[] = [{ step: first, marks }];
    for (let next = open.pop(); next; next = open.pop()) {
      if (into.has(next.step)) continue;
      into.set(next.step, next.marks);
      const step = this.program[next.step] as Step;
      if (step.does === 'jump') open.push({ step: step.to, marks: next.marks });
      else if (step.does === 'split') {
        open.push({ step: step.to[1], marks: next.marks }, { step: step.to[0], marks: next.marks });
      } else if (step.does === 'mark') {
        const changed = [...next.marks];
        changed[step.slot] = at;
        open.push({ step: next.step + 1, marks: changed });
      } else if ((step.does === 'begin' && at === 0) || (step.does === 'end' && at === length)) {
        open.push({ step: next.step + 1, marks: next.marks });
      }
    }
  }
}
