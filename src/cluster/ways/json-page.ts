import { messageOf } from '../../errors.ts';
import { JsonSplitter } from './json-splitter.ts';
import type { PageParts, PageReader } from './page-reader.ts';

/** The list, `items`, an object of it. */
const ITEM = 3;

/** More than what of a page is no object: its kind, and where the next begins. */
const REST_LIMIT = 1024 * 1024;

/** What of a page is no object. */
interface Head {
  items?: unknown;
  metadata?: { continue?: unknown };
}

/** A page of a list in JSON. */
export class JsonPage implements PageReader {
  private readonly parts: PageParts;
  private readonly splitter: JsonSplitter;
  private count = 0;
  /** Of what is no object: its text, and how much there was. */
  private readonly rest: Buffer[] = [];
  private size = 0;

  /** `without` names a list of an object's metadata that is left out. */
  constructor(parts: PageParts, without?: string) {
    this.parts = parts;
    this.splitter = new JsonSplitter({
      depth: ITEM,
      ...(without !== undefined && { without }),
      onEntry: (list, entry) => {
        if (list === 'items') this.object(entry);
      },
      onRest: (part) => {
        this.size += part.length;
        if (this.size <= REST_LIMIT) this.rest.push(Buffer.from(part));
      },
    });
  }

  push(chunk: Buffer): void {
    whole(() => this.splitter.push(chunk));
  }

  end(): void {
    if (this.size > REST_LIMIT) throw new Error('the answer is not a list');
    const head = whole(() => headOf(this.rest, ''));
    const { items } = head;
    // Go writes an empty list as null.
    if (items !== null && !Array.isArray(items)) throw new Error('the answer is not a list');
    if ((items ?? []).length !== this.count) throw new Error('the list holds what is no object');
    this.tell(head);
  }

  private object(text: string): void {
    if (this.count === 0) this.tell(beginning(this.rest));
    this.count++;
    this.parts.onObject(JSON.parse(text));
  }

  private tell({ metadata }: Head): void {
    if (typeof metadata?.continue === 'string') this.parts.onNext(metadata.continue);
  }
}

function whole<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Error(`the list is not whole JSON: ${messageOf(error)}`, { cause: error });
  }
}

const headOf = (rest: readonly Buffer[], end: string): Head =>
  (JSON.parse(Buffer.concat(rest).toString('utf8') + end) ?? {}) as Head;

/** What was written before the first object. Who writes it behind them tells later. */
function beginning(rest: readonly Buffer[]): Head {
  try {
    return headOf(rest, ']}');
  } catch {
    return {};
  }
}
