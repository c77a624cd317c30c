/** What a field of a message becomes in JSON. */
export interface Field {
  /** Its name in JSON; null where its own fields are written in its place. */
  name: string | null;
  of: 'text' | 'flag' | 'number' | 'time' | 'quantity' | Message;
  /** One of several, or an entry of a map. */
  in?: 'list' | 'map';
  /** Whether JSON has it where it is empty, too. */
  always?: true;
}

/** The fields that are read, by their numbers: what is not among them is skipped. */
export type Message = ReadonlyMap<number, Field>;

type Json = Record<string, unknown>;

/** How a field is written (protobuf.dev/programming-guides/encoding). */
const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5];

/** Reads messages of Kubernetes' protobuf as the objects that their JSON would be. Throws RangeError where bytes are no message. */
export class ProtobufReader {
  private readonly bytes: Buffer;
  private at: number;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.at = 0;
  }

  /** The message that ends at `to`. */
  message(message: Message, from: number, to: number, into: Json = {}): Json {
    this.each(from, to, (number, _, end, wire) => {
      const field = message.get(number);
      if (field) this.field(field, wire, end, into);
    });
    return into;
  }

  /** Goes through the fields between `from` and `to`; `onField` is told each one's number, and where what it holds begins and ends. */
  each(from: number, to: number, onField: (number: number, from: number, to: number, wire: number) => void): void {
    if (to > this.bytes.length) throw new RangeError('a message is longer than what holds it');
    this.at = from;
    while (this.at < to) {
      const { number, wire, end } = this.head(this.at);
      if (end > to) throw new RangeError('a field is longer than what holds it');
      onField(number, this.at, end, wire);
      this.at = end;
    }
  }

  /** The field that begins at `from`: what it holds may not be there whole. */
  head(from: number): { number: number; wire: number; from: number; end: number } {
    this.at = from;
    const key = this.varint();
    const wire = key & 7;
    const end = this.endOf(wire);
    return { number: key >>> 3, wire, from: this.at, end };
  }

  /** Where the field that begins here ends; what it holds begins at `at`. */
  private endOf(wire: number): number {
    if (wire === BYTES) {
      const length = this.varint();
      if (length < 0) throw new RangeError('a field ends before it begins');
      return this.at + length;
    }
    if (wire === FIXED64) return this.at + 8;
    if (wire === FIXED32) return this.at + 4;
    if (wire !== VARINT) throw new RangeError(`a field is written in an unknown way: ${wire}`);
    let end = this.at;
    while ((this.bytes[end] ?? 0) >= 0x80) end++;
    return end + 1;
  }

  private field(field: Field, wire: number, end: number, into: Json): void {
    const { name, of } = field;
    if (wire !== (of === 'number' || of === 'flag' ? VARINT : BYTES))
      throw new RangeError(`${name ?? 'a field'} is written as something else`);
    if (name === null) {
      if (typeof of !== 'string') this.message(of, this.at, end, into);
    } else if (field.in === 'map') this.entry(of, end, objectIn(into, name));
    else if (field.in === 'list') listIn(into, name).push(this.value(of, end));
    else {
      const value = this.value(of, end);
      if (field.always || (value !== '' && value !== 0 && value !== false)) into[name] = value;
    }
  }

  private value(of: Field['of'], end: number): unknown {
    if (of === 'text') return this.bytes.toString('utf8', this.at, end);
    if (of === 'number') return this.varint();
    if (of === 'flag') return this.varint() !== 0;
    if (of === 'time') return this.time(end);
    if (of === 'quantity') return this.message(QUANTITY, this.at, end).quantity ?? '0';
    return this.message(of, this.at, end);
  }

  private entry(of: Field['of'], to: number, into: Json): void {
    let [key, value]: [string, unknown] = ['', ''];
    this.each(this.at, to, (number, _, end, wire) => {
      if (wire !== BYTES) throw new RangeError('an entry of a map is written as something else');
      if (number === 1) key = this.bytes.toString('utf8', this.at, end);
      else if (number === 2) value = this.value(of, end);
    });
    // Any name may be one, also that of an object's prototype.
    if (key === '__proto__') Object.defineProperty(into, key, { value, enumerable: true, writable: true });
    else into[key] = value;
  }

  /** RFC 3339, in seconds; null of the zero time. */
  private time(to: number): string | null {
    const { seconds } = this.message(TIME, this.at, to);
    return typeof seconds === 'number' ? new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z') : null;
  }

  /** A number, also a negative one: two's complement in 64 bits. */
  private varint(): number {
    let [low, high] = [0, 0];
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new RangeError('a number has no end');
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) return (high | 0) * 0x1_0000_0000 + (low >>> 0);
    }
    throw new RangeError('a number is too long');
  }
}

const TIME: Message = new Map([[1, { name: 'seconds', of: 'number', always: true }]]);
const QUANTITY: Message = new Map([[1, { name: 'quantity', of: 'text' }]]);

function objectIn(into: Json, name: string): Json {
  into[name] ??= {};
  return into[name] as Json;
}

function listIn(into: Json, name: string): unknown[] {
  into[name] ??= [];
  return into[name] as unknown[];
}
