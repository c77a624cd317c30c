const [QUOTE, BACKSLASH, OPEN, CLOSE, BEGIN, END] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d];

/** `configs`, a section, one of its lists, an entry of that: 0.8's map and today's list are as deep. */
const [SECTION, ENTRY] = [3, 5];

/** Whether an odd number of backslashes ends before `end`: then what stands there is escaped. */
function isOdd(chunk: Buffer, from: number, end: number): boolean {
  let number = 0;
  while (end - 1 - number >= from && chunk[end - 1 - number] === BACKSLASH) number++;
  return number % 2 === 1;
}

/**
 * Cuts a page of `/config_dump` into the entries of its lists as it comes in, so that fifty megabytes of it are never
 * in memory at once: `onEntry` gets the list's name, `dynamic_active_clusters`, and the entry's text.
 */
export class EntrySplitter {
  private readonly onEntry: (list: string, entry: string) => void;
  private depth = 0;
  private inString = false;
  private escaped = false;
  /** The text of the string that is read, where it may be a name: short, and not within an entry. */
  private word = '';
  private list = '';
  private parts: Buffer[] = [];
  private sawConfigs = false;
  private began = false;
  private broken = false;

  constructor(onEntry: (list: string, entry: string) => void) {
    this.onEntry = onEntry;
  }

  push(chunk: Buffer): void {
    let start = this.depth >= ENTRY ? 0 : -1;
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
        if (this.depth === 2 && this.word === 'configs') this.sawConfigs = true;
        if (this.depth === SECTION + 1) this.list = this.word;
        if (this.depth === ENTRY && byte === OPEN) start = at;
      } else if (byte === CLOSE || byte === END) {
        if (this.depth === ENTRY && start >= 0) {
          this.parts.push(chunk.subarray(start, at + 1));
          this.emit();
          start = -1;
        }
        this.depth--;
        if (this.depth < 0) this.broken = true;
      } else if (!this.began && byte > 0x20) this.broken = true;
    }
    // What goes on in the next chunk: a copy, so that the rest of this one need not stay.
    if (start >= 0) this.parts.push(Buffer.from(chunk.subarray(start)));
  }

  /** Reads on in a string, to its last byte or the chunk's. Most of a page is strings: they are searched, not walked. */
  private string(chunk: Buffer, from: number): number {
    if (this.escaped) {
      this.escaped = false;
      return from;
    }
    let end = chunk.indexOf(QUOTE, from);
    while (end >= 0 && isOdd(chunk, from, end)) end = chunk.indexOf(QUOTE, end + 1);
    const last = end < 0 ? chunk.length : end;
    if (this.depth <= SECTION && this.word.length < 64)
      this.word += chunk.toString('latin1', from, Math.min(last, from + 64));
    this.inString = end < 0;
    this.escaped = end < 0 && isOdd(chunk, from, chunk.length);
    return last;
  }

  private emit(): void {
    const entry = Buffer.concat(this.parts).toString('utf8');
    this.parts = [];
    this.onEntry(this.list, entry);
  }

  /** Whether it was a whole page of `/config_dump`. */
  end(): boolean {
    return this.sawConfigs && this.depth === 0 && !this.broken && !this.inString;
  }
}
