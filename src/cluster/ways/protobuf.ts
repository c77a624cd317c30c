/** A field that is read: what JSON calls it, and how its value is read from where `reader` stands to `end`. */
interface Field {
  name: string;
  read: (reader: Reader, end: number) => unknown;
  /** One of a list, or one entry of a map. */
  many?: 'list' | 'map';
  /** In JSON also where it is empty: `ready: false`. */
  always?: boolean;
  /** A message whose fields are its parent's in JSON. */
  inlined?: boolean;
}

/** The fields of a message that are read, by their numbers. All others are passed over. */
export type Message = Readonly<Record<number, Field>>;

export const text = (name: string): Field => ({ name, read: readText });
export const texts = (name: string): Field => ({ name, read: readText, many: 'list' });
export const number = (name: string): Field => ({ name, read: readNumber });
export const flag = (name: string): Field => ({ name, read: (reader) => readNumber(reader) !== 0 });
/** A point in time: RFC 3339 in UTC, to the second, as Kubernetes' JSON has it. */
export const time = (name: string): Field => ({ name, read: readTime });
export const message = (name: string, of: Message): Field => ({ name, read: reading(of) });
export const messages = (name: string, of: Message): Field => ({ name, read: reading(of), many: 'list' });
export const inlined = (of: Message): Field => ({ name: '', read: reading(of), inlined: true });
export const always = (field: Field): Field => ({ ...field, always: true });
/** A map of texts; only what has one of the keys that `isRead` takes. */
export const map = (name: string, isRead?: (key: string) => boolean): Field => ({
  name,
  read: isRead ? (reader, end) => readEntry(reader, end, isRead) : reading(ENTRY),
  many: 'map',
});
/** A map of quantities, such as `500m`: each is a message that holds the text. */
export const quantities = (name: string): Field => ({ name, read: reading(QUANTITY_ENTRY), many: 'map' });

/**
 * What of a message of Protocol Buffers is wanted, in the shape that its JSON has: Kubernetes writes its own kinds in both
 * forms. Throws a RangeError where the bytes are no such message.
 */
export const decode = (of: Message, bytes: Buffer): Record<string, unknown> =>
  readMessage(of, new Reader(bytes), bytes.length);

function readMessage(of: Message, reader: Reader, end: number): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  while (reader.at < end) {
    const tag = reader.varint();
    const field = of[tag >>> 3];
    const last = reader.endOf(tag & 7);
    if (last > end) throw new RangeError('a field is longer than what holds it');
    if (field) set(object, field, field.read(reader, last));
    reader.at = last;
  }
  return object;
}

function set(object: Record<string, unknown>, { name, many, always, inlined }: Field, value: unknown): void {
  if (many === 'list') {
    const list = object[name] as unknown[] | undefined;
    if (list) list.push(value);
    else object[name] = [value];
  } else if (many === 'map') {
    if (value === null) return;
    const { key = '', value: text = '' } = value as Entry;
    const map = (object[name] ?? {}) as Record<string, string>;
    map[key] = text;
    object[name] = map;
  } else if (inlined) Object.assign(object, value);
  // Go leaves out of JSON what is empty.
  else if (always || (value !== '' && value !== 0 && value !== false)) object[name] = value;
}

/** The types of values on the wire: they tell where a value ends. */
const [VARINT, FIXED_64, DELIMITED, FIXED_32] = [0, 1, 2, 5];

/** Two to the power of 32. */
const HIGH = 4_294_967_296;

/** The bytes end within a value: there may be more. */
export class CutOff extends RangeError {}

/** Where reading stands in some bytes. */
export class Reader {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  /** A whole number, a negative one as int32 and int64 have it; exact to 2^53. Throws a CutOff. */
  varint(): number {
    let [low, high] = [0, 0];
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new CutOff('a number is cut off');
      const part = byte & 0x7f;
      if (shift <= 28) low |= part << shift;
      if (shift === 28) high = part >>> 4;
      else if (shift > 28) high |= part << (shift - 32);
      if (byte < 0x80) return (high | 0) * HIGH + (low >>> 0);
    }
    throw new RangeError('a number is too long');
  }

  /** To the first byte of a value, and where it ends, which may be behind the bytes that are there. */
  endOf(type: number): number {
    switch (type) {
      case DELIMITED: {
        const length = this.varint();
        return this.at + length;
      }
      case VARINT: {
        let end = this.at;
        while ((this.bytes[end] ?? 0) >= 0x80) end++;
        return end + 1;
      }
      case FIXED_64:
        return this.at + 8;
      case FIXED_32:
        return this.at + 4;
      default:
        throw new RangeError(`values of type ${type} are not known`);
    }
  }
}

/** Longer texts are nobody else's. */
const LONGEST_SHARED = 64;

/** Texts that were read, by a hash of their bytes: most are said again by the next object. One takes the place of another. */
const shared: string[] = Array.from({ length: 4096 }, () => '');

function readText({ bytes, at }: Reader, end: number): string {
  if (end - at > LONGEST_SHARED) return bytes.toString('utf8', at, end);
  let hash = 0;
  for (let index = at; index < end; index++) hash = (Math.imul(hash, 31) + (bytes[index] ?? 0)) | 0;
  const place = hash & (shared.length - 1);
  const known = shared[place] ?? '';
  if (isWritten(known, bytes, at, end)) return known;
  const text = bytes.toString('utf8', at, end);
  shared[place] = text;
  return text;
}

/** Whether a text is written in these bytes; what is no ASCII never is. */
function isWritten(text: string, bytes: Buffer, at: number, end: number): boolean {
  if (text.length !== end - at) return false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code !== bytes[at + index] || code > 0x7f) return false;
  }
  return true;
}

function readNumber(reader: Reader): number {
  return reader.varint();
}

const TIME: Message = { 1: number('seconds') };

function readTime(reader: Reader, end: number): string | null {
  const { seconds } = readMessage(TIME, reader, end) as { seconds?: number };
  return seconds === undefined ? null : new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

function reading(of: Message): Field['read'] {
  return (reader, end) => readMessage(of, reader, end);
}

/** null where nobody reads its value: Kubernetes writes the key before it. */
function readEntry(reader: Reader, end: number, isRead: (key: string) => boolean): Entry | null {
  const { bytes, at } = reader;
  const { key = '' } = readMessage(KEY, reader, end) as Entry;
  return isRead(key) ? (readMessage(ENTRY, new Reader(bytes, at), end) as Entry) : null;
}

interface Entry {
  key?: string;
  value?: string;
}

const KEY: Message = { 1: text('key') };
const ENTRY: Message = { 1: text('key'), 2: text('value') };
const QUANTITY_ENTRY: Message = { 1: text('key'), 2: inlined({ 1: text('value') }) };
