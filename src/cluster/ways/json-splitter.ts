const [QUOTE, BACKSLASH, OPEN, CLOSE, BEGIN, END] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d];

/** Stands for an entry in what is left of the document. */
const PLACE = Buffer.from('0');

/** What of a document is cut out, and who gets it. */
export interface Cut {
  /** How deep an entry lies, the document itself at 1: an object there is an entry. */
  depth: number;
  /** Gets the name of the list that the entry is in, as the document has it, and the entry's text. */
  onEntry: (list: string, entry: string) => void;
  /** Gets what is left, where that is wanted: the document with 0 in each entry's place. */
  onRest?: (part: Buffer) => void;
  /** The name of a list that is nobody's to read: it is empty in an entry where one of the entry's objects has it. */
  without?: string;
}

/**
 * Cuts a document of JSON into the objects of its lists as it comes in, so that it is never whole in memory. It looks at
 * braces and quotes only: what is between them is JSON.parse's to judge.
 */
export class JsonSplitter {
  private readonly cut: Cut;
  private depth = 0;
  private inString = false;
  private escaped = false;
  /** The text of the string that is read, where it may be a name: short, and not within an entry. */
  private word = '';
  private list = '';
  private parts: Buffer[] = [];
  /** The names of what the document holds itself. */
  private readonly holds = new Set<string>();
  private began = false;
  private broken = false;
  /** In the list that is left out. */
  private leftOut = false;
  /** Its name, as the document has it. */
  private readonly name: Buffer | null;

  constructor(cut: Cut) {
    this.cut = cut;
    this.name = cut.without === undefined ? null : Buffer.from(`"${cut.without}":`);
  }

  push(chunk: Buffer): void {
    const { depth, onRest } = this.cut;
    let start = this.parts.length > 0 && !this.leftOut ? 0 : -1;
    /** Where what is handed on as the rest begins. */
    let rest = 0;
    for (let at = 0; at < chunk.length && !this.broken; at++) {
      if (this.inString) {
        at = this.string(chunk, at);
        continue;
      }
      const byte = chunk[at] ?? 0;
      if (byte === QUOTE) {
        this.inString = true;
        this.word = '';
      } else if (byte === OPEN || byte === BEGIN) {
        this.depth++;
        if (this.depth === 1) this.began = byte === OPEN;
        if (this.depth === 2) this.holds.add(this.word);
        if (this.depth === depth - 1) this.list = this.word;
        if (this.depth === depth && byte === OPEN) {
          start = at;
          if (onRest && at > rest) onRest(chunk.subarray(rest, at));
          onRest?.(PLACE);
        } else if (this.depth === depth + 2 && byte === BEGIN && start >= 0 && this.isWithout(chunk, at)) {
          this.parts.push(chunk.subarray(start, at + 1));
          this.leftOut = true;
          start = -1;
        }
      } else if (byte === CLOSE || byte === END) {
        if (this.depth === depth && start >= 0) {
          this.parts.push(chunk.subarray(start, at + 1));
          this.emit();
          start = -1;
          rest = at + 1;
        } else if (this.leftOut && this.depth === depth + 2) {
          this.leftOut = false;
          start = at;
        }
        this.depth--;
        if (this.depth < 0) this.broken = true;
      } else if (!this.began && byte > 0x20) this.broken = true;
    }
    // What goes on in the next chunk: a copy, so that the rest of this one need not stay.
    if (start >= 0) this.parts.push(Buffer.from(chunk.subarray(start)));
    else if (onRest && !this.leftOut && rest < chunk.length) onRest(chunk.subarray(rest));
  }

  /** Whether the list that begins here is left out. Where its name is in the chunk before, it is not: that costs little. */
  private isWithout(chunk: Buffer, at: number): boolean {
    const { name } = this;
    if (name === null || at < name.length || chunk[at - name.length + 1] !== name[1]) return false;
    return name.compare(chunk, at - name.length, at) === 0;
  }

  /** Reads on in a string, to its last byte or the chunk's. Most are short: to search for their end takes longer. */
  private string(chunk: Buffer, from: number): number {
    let at = this.escaped ? from + 1 : from;
    while (at < chunk.length && chunk[at] !== QUOTE) at += chunk[at] === BACKSLASH ? 2 : 1;
    const last = Math.min(at, chunk.length);
    if (this.depth <= this.cut.depth - 2 && this.word.length < 64)
      this.word += chunk.toString('latin1', from, Math.min(last, from + 64));
    this.inString = at >= chunk.length;
    this.escaped = at > chunk.length;
    return last;
  }

  private emit(): void {
    const [only] = this.parts;
    const entry = (this.parts.length === 1 && only ? only : Buffer.concat(this.parts)).toString('utf8');
    this.parts = [];
    this.cut.onEntry(this.list, entry);
  }

  /** Whether it was a whole document that holds an object or a list called `name`. */
  isWhole(name: string): boolean {
    return this.holds.has(name) && this.depth === 0 && !this.broken && !this.inString;
  }
}
