import type { Status } from '../diagnosis/finding.ts';

/** How text is dressed: decided once, from flags, environment and terminal. */
export interface Style {
  width: number;
  colour: boolean;
  ascii: boolean;
  /** Whether tables name their columns: they do where nothing is said. */
  headers?: boolean;
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, magenta: 35, cyan: 36 } as const;
export type Paint = keyof typeof CODES;

/** `text` in a colour, where there is colour. */
export const painted = ({ colour }: Style, paint: Paint, text: string): string =>
  colour && text !== '' ? `\x1b[${CODES[paint]}m${text}\x1b[0m` : text;

export const STATUS_PAINT: Readonly<Record<Status, Paint>> = {
  pass: 'green',
  warn: 'yellow',
  fail: 'red',
  unknown: 'magenta',
  skip: 'dim',
  ignored: 'dim',
};

const GLYPHS: Readonly<Record<Status, string>> = {
  pass: '✔',
  warn: '!',
  fail: '✖',
  unknown: '?',
  skip: '-',
  ignored: '~',
};
const ASCII_GLYPHS: Readonly<Record<Status, string>> = { ...GLYPHS, pass: '', fail: 'x' };

/** `FAIL ✖`: word, glyph and colour, never colour alone. */
export function statusWord(style: Style, status: Status): string {
  const glyph = (style.ascii ? ASCII_GLYPHS : GLYPHS)[status];
  return painted(style, STATUS_PAINT[status], `${status.toUpperCase()} ${glyph}`.trimEnd());
}

/** Prose with typographic marks, for a terminal that has only ASCII. */
export const plain = ({ ascii }: Style, text: string): string =>
  ascii
    ? text
        .replace(/[\u2018\u2019]/g, "'")
        .replace(/[\u201c\u201d]/g, '"')
        .replaceAll('…', '...')
        .replaceAll('─', '-')
        .replaceAll('▶', '>')
        .replaceAll('█', '#')
        .replaceAll('▏', '.')
        .replaceAll('◀', '<--')
        .replace(/[\u0080-\uffff]/g, '?')
    : text;

/** A moment in RFC 3339 and UTC, as a person reads it: `2026-11-28 10:00:00 UTC`. */
export const momentWords = (at: string): string => at.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC');

/** `text` in lines of at most `width`, each after the first indented; words longer than a line stay whole. */
export function wrapped(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const room = lines.length === 0 ? width : width - indent.length;
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${indent}`);
}
