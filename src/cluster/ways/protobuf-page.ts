import { MAGIC } from './kubernetes-protobuf.ts';
import type { PageParts, PageReader } from './page-reader.ts';
import { CutOff, decode, type Message, Reader, text } from './protobuf.ts';

/** Bytes that are kept at once: a chunk, and an object that is not whole yet. */
const ROOM = 256 * 1024;

/** Numbers of fields: of the envelope, and of any list in it. */
const [LIST, METADATA, ITEM] = [2, 1, 2];

/** More bytes than any object has: etcd takes a tenth of it. */
const MOST = 16 * 1024 * 1024;

/** Where the next page begins, of a list's own metadata. */
const CONTINUE: Message = { 3: text('continue') };

/** A page of a list as Kubernetes writes it in Protocol Buffers. */
export class ProtobufPage implements PageReader {
  private readonly of: Message;
  private readonly parts: PageParts;
  /** What has come and was not read yet: its first `come` bytes. */
  private bytes = Buffer.allocUnsafe(ROOM);
  private come = 0;
  private begun = false;
  /** How many bytes of the list are still to be read; null before it. */
  private left: number | null = null;

  /** `of` is the message of an item. */
  constructor(of: Message, parts: PageParts) {
    this.of = of;
    this.parts = parts;
  }

  push(chunk: Buffer): void {
    const bytes = this.take(chunk);
    let at = 0;
    if (!this.begun && bytes.length >= MAGIC.length) {
      if (!bytes.subarray(0, MAGIC.length).equals(MAGIC))
        throw new Error('the answer does not begin as a list of Kubernetes in Protocol Buffers does');
      this.begun = true;
      at = MAGIC.length;
    }
    const reader = new Reader(bytes, at);
    while (this.begun && this.left !== 0 && this.readField(reader)) at = reader.at;
    // What is behind the list is read by nobody.
    if (this.left === 0) at = bytes.length;
    this.bytes.copyWithin(0, at, bytes.length);
    this.come = bytes.length - at;
    if (this.come > MOST) throw new Error(`an object of the list is larger than ${MOST >> 20} MB`);
  }

  /** What has come, in the one place that all of it takes in turn. */
  private take(chunk: Buffer): Buffer {
    const length = this.come + chunk.length;
    if (length > this.bytes.length) {
      const larger = Buffer.allocUnsafe(2 * length);
      this.bytes.copy(larger, 0, 0, this.come);
      this.bytes = larger;
    }
    chunk.copy(this.bytes, this.come);
    return this.bytes.subarray(0, length);
  }

  /** Reads one field, of the envelope or of the list in it; false where not all of it has come. */
  private readField(reader: Reader): boolean {
    const from = reader.at;
    const head = headOf(reader);
    if (head === null) return false;
    if (this.left === null && head.field === LIST) {
      this.left = head.end - reader.at;
      return true;
    }
    if (head.end > reader.bytes.length) return false;
    if (this.left !== null) this.readOfList(head.field, reader.bytes.subarray(reader.at, head.end), head.end - from);
    reader.at = head.end;
    return true;
  }

  private readOfList(field: number, bytes: Buffer, length: number): void {
    this.left = (this.left ?? 0) - length;
    if (this.left < 0) throw new Error('an object is longer than its list');
    if (field === METADATA) {
      const { continue: next = '' } = decode(CONTINUE, bytes) as { continue?: string };
      this.parts.onNext(next);
    }
    if (field === ITEM) this.parts.onObject(decode(this.of, bytes));
  }

  end(): void {
    if (this.left !== 0) throw new Error('the list is not whole: it breaks off');
  }
}

/** Which field begins here, and where it ends; null where that has not come yet. */
function headOf(reader: Reader): { field: number; end: number } | null {
  try {
    const tag = reader.varint();
    return { field: tag >>> 3, end: reader.endOf(tag & 7) };
  } catch (error) {
    if (error instanceof CutOff) return null;
    throw error;
  }
}
