/** What a pattern is made of. */
export type Node =
  | { is: 'one'; fits: (character: string) => boolean }
  | { is: 'row'; of: readonly Node[] }
  | { is: 'either'; of: readonly Node[] }
  | { is: 'many'; of: Node; least: number; most: number; lazy: boolean }
  | { is: 'group'; of: Node; index: number }
  | { is: 'begin' }
  | { is: 'end' };

/** As RE2 has it. */
const MOST_REPEATS = 1000;

const CLASSES: Readonly<Record<string, RegExp>> = {
  d: /[0-9]/,
  D: /[^0-9]/,
  w: /[0-9A-Za-z_]/,
  W: /[^0-9A-Za-z_]/,
  s: /[\t\n\f\r ]/,
  S: /[^\t\n\f\r ]/,
};
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', f: '\f', v: '\v', a: '\x07' };

/** A pattern that is not understood. */
export class Unread extends Error {}

/** Reads a pattern of RE2's as far as relabelling rules go. */
export class Reader {
  groups = 0;
  /** The numbers of groups that have names. */
  readonly names = new Map<string, number>();
  private at = 0;
  private folds = false;
  private depth = 0;

  constructor(private readonly source: string) {}

  read(): Node {
    const node = this.either();
    if (this.at < this.source.length) throw new Unread();
    return node;
  }

  private get next(): string {
    return this.source.charAt(this.at);
  }

  private takes(text: string): boolean {
    if (!this.source.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  private either(): Node {
    if (++this.depth > 100) throw new Unread();
    const of: Node[] = [this.row()];
    while (this.takes('|')) of.push(this.row());
    this.depth--;
    return { is: 'either', of };
  }

  private row(): Node {
    const of: Node[] = [];
    while (this.at < this.source.length && this.next !== '|' && this.next !== ')') of.push(this.repeated(this.one()));
    return { is: 'row', of };
  }

  private repeated(of: Node): Node {
    const [all, star, least = '', comma, most = ''] =
      /^(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})/.exec(this.source.slice(this.at, this.at + 16)) ?? [];
    if (all === undefined) return of;
    this.at += all.length;
    const lazy = this.takes('?');
    if (/^[*+?]/.test(this.next)) throw new Unread();
    if (star !== undefined) {
      return { is: 'many', of, least: star === '+' ? 1 : 0, most: star === '?' ? 1 : Number.POSITIVE_INFINITY, lazy };
    }
    const to = comma === undefined ? Number(least) : most === '' ? Number.POSITIVE_INFINITY : Number(most);
    if (Number(least) > MOST_REPEATS || (to > MOST_REPEATS && to !== Number.POSITIVE_INFINITY)) throw new Unread();
    return { is: 'many', of, least: Number(least), most: to, lazy };
  }

  private one(): Node {
    const character = this.next;
    this.at++;
    if (character === '(') return this.group();
    if (character === '[') return this.class();
    if (character === '.') return { is: 'one', fits: () => true };
    if (character === '^') return { is: 'begin' };
    if (character === '$') return { is: 'end' };
    if (character === '\\') return this.escaped();
    if (/^[*+?]/.test(character)) throw new Unread();
    return this.literal(character);
  }

  private literal(character: string): Node {
    const lower = character.toLowerCase();
    return { is: 'one', fits: this.folds ? (each) => each.toLowerCase() === lower : (each) => each === character };
  }

  private group(): Node {
    const [flags, ended] = /^\?([is]+)([:)])/.exec(this.source.slice(this.at, this.at + 8))?.slice(1) ?? [];
    const before = this.folds;
    let index: number | null = null;
    if (flags !== undefined) {
      this.at += flags.length + 2;
      if (flags.includes('i')) this.folds = true;
      // Flags by themselves hold until the group that they are in ends.
      if (ended === ')') return { is: 'row', of: [] };
    } else if (!this.takes('?:')) {
      const [all, name] = /^\?P?<(\w+)>/.exec(this.source.slice(this.at)) ?? [];
      if (all !== undefined) this.at += all.length;
      else if (this.next === '?') throw new Unread();
      index = ++this.groups;
      if (name !== undefined) this.names.set(name, index);
    }
    const of = this.either();
    if (!this.takes(')')) throw new Unread();
    this.folds = before;
    return index === null ? of : { is: 'group', of, index };
  }

  private escaped(): Node {
    const character = this.next;
    this.at++;
    const known = CLASSES[character];
    if (known) return { is: 'one', fits: (each) => known.test(each) };
    const control = CONTROLS[character];
    if (control !== undefined) return this.literal(control);
    if (character === '' || /^[0-9A-Za-z]/.test(character)) throw new Unread();
    return this.literal(character);
  }

  private class(): Node {
    const [all = '', body = ''] = /^(\^?\]?(?:\\.|[^\]\\])*)\]/.exec(this.source.slice(this.at)) ?? [];
    // Classes of POSIX and of Unicode mean something else to JavaScript.
    if (all === '' || /\[[:.=]|\\[^dDwWsSntrfv\W]|&&|--/.test(body)) throw new Unread();
    this.at += all.length;
    const escaped = body.replace(/^(\^?)\]/, '$1\\]').replace(/(?<!\\)\[/g, '\\[');
    let pattern: RegExp;
    try {
      pattern = new RegExp(`^[${escaped}]$`, this.folds ? 'is' : 's');
    } catch {
      throw new Unread();
    }
    return { is: 'one', fits: (each) => pattern.test(each) };
  }
}
