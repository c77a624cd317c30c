import { JsonSplitter } from '../../cluster/ways/json-splitter.ts';

/** `configs`, a section, one of its lists, an entry of that: 0.8's map and today's list are as deep. */
const ENTRY = 5;

/**
 * Cuts a page of `/config_dump` into the entries of its lists as it comes in, so that fifty megabytes of it are never
 * in memory at once: `onEntry` gets the list's name, `dynamic_active_clusters`, and the entry's text.
 */
export class EntrySplitter {
  private readonly splitter: JsonSplitter;

  constructor(onEntry: (list: string, entry: string) => void) {
    this.splitter = new JsonSplitter({ depth: ENTRY, onEntry });
  }

  push(chunk: Buffer): void {
    this.splitter.push(chunk);
  }

  /** Whether it was a whole page of `/config_dump`. */
  end(): boolean {
    return this.splitter.isWhole('configs');
  }
}
