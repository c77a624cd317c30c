/** A section header: 64 bytes (ELF-64 object file format). */
const HEADER = 64;
const ALLOCATED = 2n;
const NO_BITS = 8;

interface Section {
  name: string;
  header: Buffer;
}

/**
 * A little-endian ELF-64 program without what only a debugger reads: symbol table, debug sections. What the loader maps
 * stays where it is. Like `strip`, but for every processor and the same everywhere.
 */
export function strip(program: Buffer): Buffer {
  if (program.readUInt32BE(0) !== 0x7f454c46 || program[4] !== 2 || program[5] !== 1) {
    throw new Error('not a little-endian ELF-64 program');
  }
  const kept = sectionsOf(program).filter(({ header }, index) => index === 0 || (flagsOf(header) & ALLOCATED) !== 0n);
  const end = Math.max(mappedEnd(program), ...kept.map(({ header }) => endOf(header)));
  const names = Buffer.from(['', ...kept.slice(1).map(({ name }) => name), '.shstrtab', ''].join('\0'), 'latin1');
  const headersAt = Math.ceil((end + names.length) / 8) * 8;

  const headers = kept.map(({ name, header }) => {
    const copy = Buffer.from(header);
    copy.writeUInt32LE(name === '' ? 0 : names.indexOf(`\0${name}\0`) + 1, 0);
    return copy;
  });
  const ofNames = Buffer.alloc(HEADER);
  ofNames.writeUInt32LE(names.indexOf('\0.shstrtab\0') + 1, 0);
  ofNames.writeUInt32LE(3, 4);
  ofNames.writeBigUInt64LE(BigInt(end), 24);
  ofNames.writeBigUInt64LE(BigInt(names.length), 32);
  ofNames.writeBigUInt64LE(1n, 48);

  const stripped = Buffer.concat([
    program.subarray(0, end),
    names,
    Buffer.alloc(headersAt - end - names.length),
    ...headers,
    ofNames,
  ]);
  stripped.writeBigUInt64LE(BigInt(headersAt), 40);
  stripped.writeUInt16LE(headers.length + 1, 60);
  stripped.writeUInt16LE(headers.length, 62);
  return stripped;
}

function sectionsOf(program: Buffer): readonly Section[] {
  const at = Number(program.readBigUInt64LE(40));
  const headers = Array.from({ length: program.readUInt16LE(60) }, (_, index) =>
    program.subarray(at + index * HEADER, at + (index + 1) * HEADER),
  );
  const names = headers[program.readUInt16LE(62)];
  if (names === undefined) throw new Error('an ELF program without names of sections');
  const namesAt = Number(names.readBigUInt64LE(24));
  return headers.map((header) => {
    const from = namesAt + header.readUInt32LE(0);
    return { name: program.toString('latin1', from, program.indexOf(0, from)), header };
  });
}

const flagsOf = (header: Buffer): bigint => header.readBigUInt64LE(8);

/** The end of a section's bytes in the file; .bss has none. */
const endOf = (header: Buffer): number =>
  header.readUInt32LE(4) === NO_BITS ? 0 : Number(header.readBigUInt64LE(24) + header.readBigUInt64LE(32));

/** The end of what the loader maps (program headers: 56 bytes each). */
function mappedEnd(program: Buffer): number {
  const at = Number(program.readBigUInt64LE(32));
  const ends = Array.from({ length: program.readUInt16LE(56) }, (_, index) => {
    const header = at + index * 56;
    return Number(program.readBigUInt64LE(header + 8) + program.readBigUInt64LE(header + 32));
  });
  return Math.max(...ends);
}
