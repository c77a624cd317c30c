/** Codes of what the text format is made of. */
export const TAB = 9;
export const NEWLINE = 10;
export const RETURN = 13;
export const SPACE = 32;
export const QUOTE = 34;
export const HASH = 35;
export const COMMA = 44;
export const POINT = 46;
export const COLON = 58;
export const EQUALS = 61;
export const BACKSLASH = 92;
export const LETTER_N = 110;
export const OPEN = 123;
export const CLOSE = 125;

export const isBlank = (code: number): boolean => code === SPACE || code === TAB;

/** Where blanks end that begin at `from`. */
export function skipBlanks(bytes: Buffer, from: number, end: number): number {
  let i = from;
  while (i < end && isBlank(bytes[i] as number)) i++;
  return i;
}

/** Where a line ends without the blanks and carriage returns before `end`. A pattern that looks for them tries at each. */
export function trimmedEndOf(bytes: Buffer, from: number, end: number): number {
  let i = end;
  while (i > from && (isBlank(bytes[i - 1] as number) || bytes[i - 1] === RETURN)) i--;
  return i;
}

/** Where a word ends that begins at `from`: at a blank, or at the end. */
export function wordEndOf(bytes: Buffer, from: number, end: number): number {
  let i = from;
  while (i < end && !isBlank(bytes[i] as number)) i++;
  return i;
}

const NAME_CODES = new Uint8Array(256);
for (const character of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_')
  NAME_CODES[character.charCodeAt(0)] = 1;

/** A letter, a digit or an underscore. */
export const isOfName = (code: number): boolean => NAME_CODES[code] === 1;

export const isDigit = (code: number): boolean => code >= 48 && code <= 57;

/** Where a metric's name ends that begins at `from`, or a label's, which has no colon: there, when there is none. */
export function nameEndOf(bytes: Buffer, from: number, end: number, colon = COLON): number {
  let i = from;
  if (i < end && isDigit(bytes[i] as number)) return i;
  while (i < end && (isOfName(bytes[i] as number) || bytes[i] === colon)) i++;
  return i;
}

export const RETURN_FAULT = 'carriage return at the end of the line';

export const CUT_FAULT = 'page ends inside a line';

/** What is wrong with a line that does not end; blanks are no line. */
export const cutFault = (rest: string): string | null => (/[^ \t]/.test(rest) ? CUT_FAULT : null);

/** Whether the bytes at `at` are those of `text`. */
export function startsWith(bytes: Buffer, text: string, at: number): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** Whether bytes are UTF-8. */
export const isUtf8 = (bytes: Buffer): boolean => Buffer.from(bytes.toString('utf8')).equals(bytes);

/** A piece of a page: one byte is one character. A copy, which keeps nothing else alive. */
export const latin1 = (bytes: Buffer, from: number, to: number): string => bytes.toString('latin1', from, to);

/** Bytes above 0x7f were read as latin1; this makes characters of them. */
export const utf8 = (text: string): string =>
  /[\x80-\xff]/.test(text) ? Buffer.from(text, 'latin1').toString('utf8') : text;

/** A piece of a page as a problem's words quote it. */
export const excerpt = (text: string): string => utf8(text.slice(0, 60));
