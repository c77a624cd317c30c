import { createHash } from 'node:crypto';

const SEGMENT_64 = 0x19;
const CODE_SIGNATURE = 0x1d;
const PAGE = 4096;

/** Kinds of blobs in a signature, as Apple's cs_blobs.h numbers them. */
const SUPER_BLOB = 0xfade0cc0;
const CODE_DIRECTORY = 0xfade0c02;

/** Ad hoc, and by a linker: what Apple's own ld writes, and a kernel of Apple silicon asks for at least. */
const AD_HOC = 0x20002;

interface Layout {
  /** Offset of the load command that names the signature; null without one. */
  signature: number | null;
  /** Offset of the load command of the segment __LINKEDIT. */
  linkEdit: number;
  text: { offset: bigint; size: bigint };
  /** Where the first section begins: load commands must end before it. */
  firstSection: number;
  commands: number;
  commandsSize: number;
}

function layoutOf(program: Buffer): Layout {
  if (program.readUInt32LE(0) !== 0xfeedfacf) throw new Error('not a 64-bit Mach-O program');
  const layout: Layout = {
    signature: null,
    linkEdit: -1,
    text: { offset: 0n, size: 0n },
    firstSection: program.length,
    commands: program.readUInt32LE(16),
    commandsSize: program.readUInt32LE(20),
  };
  for (let index = 0, at = 32; index < layout.commands; index++, at += program.readUInt32LE(at + 4)) {
    const command = program.readUInt32LE(at);
    if (command === CODE_SIGNATURE) layout.signature = at;
    if (command !== SEGMENT_64) continue;
    const name = program.toString('latin1', at + 8, at + 24).replace(/\0+$/, '');
    if (name === '__LINKEDIT') layout.linkEdit = at;
    if (name !== '__TEXT') continue;
    layout.text = { offset: program.readBigUInt64LE(at + 40), size: program.readBigUInt64LE(at + 48) };
    for (let section = 0; section < program.readUInt32LE(at + 64); section++) {
      layout.firstSection = Math.min(layout.firstSection, program.readUInt32LE(at + 72 + section * 80 + 48));
    }
  }
  if (layout.linkEdit < 0) throw new Error('a Mach-O program without __LINKEDIT');
  return layout;
}

/** The program with an ad-hoc signature in place of any other: without one, a Mac of Apple silicon kills it. */
export function sign(program: Buffer, identifier: string): Buffer {
  const { signature, linkEdit, text, firstSection, commands, commandsSize } = layoutOf(program);
  const head = Buffer.from(program.subarray(0, firstSection));
  const linkOffset = Number(program.readBigUInt64LE(linkEdit + 40));
  const linkSize = Number(program.readBigUInt64LE(linkEdit + 48));
  const limit = signature === null ? Math.ceil((linkOffset + linkSize) / 16) * 16 : program.readUInt32LE(signature + 8);
  const command = signature ?? 32 + commandsSize;
  if (signature === null) {
    if (command + 16 > firstSection) throw new Error('no room for one more load command');
    head.writeUInt32LE(commands + 1, 16);
    head.writeUInt32LE(commandsSize + 16, 20);
    head.writeUInt32LE(CODE_SIGNATURE, command);
    head.writeUInt32LE(16, command + 4);
  }
  const name = Buffer.from(`${identifier}\0`);
  const pages = Math.ceil(limit / PAGE);
  const directorySize = 88 + name.length + pages * 32;
  const size = Math.ceil((20 + directorySize) / 16) * 16;
  head.writeUInt32LE(limit, command + 8);
  head.writeUInt32LE(size, command + 12);
  head.writeBigUInt64LE(BigInt(Math.ceil((limit + size - linkOffset) / 16384) * 16384), linkEdit + 32);
  head.writeBigUInt64LE(BigInt(limit + size - linkOffset), linkEdit + 48);

  const signed = Buffer.alloc(limit + size);
  program.copy(signed, 0, 0, Math.min(limit, program.length));
  head.copy(signed);
  const directory = codeDirectory({ limit, name, pages, text });
  let at = limit;
  for (const word of [SUPER_BLOB, 20 + directorySize, 1, 0, 20]) at = signed.writeUInt32BE(word, at);
  directory.copy(signed, at);
  pageHashes(signed, limit).forEach((hash, page) => {
    hash.copy(signed, at + 88 + name.length + page * 32);
  });
  return signed;
}

/** A CodeDirectory of version 0x20400, its hashes still zero. */
function codeDirectory(of: { limit: number; name: Buffer; pages: number; text: Layout['text'] }): Buffer {
  const hashOffset = 88 + of.name.length;
  const directory = Buffer.alloc(hashOffset + of.pages * 32);
  let at = 0;
  for (const word of [CODE_DIRECTORY, directory.length, 0x20400, AD_HOC, hashOffset, 88, 0, of.pages, of.limit]) {
    at = directory.writeUInt32BE(word, at);
  }
  // 32 bytes of SHA-256, pages of 2 to the power of 12; then four words and the 64-bit limit, unused.
  for (const byte of [32, 2, 0, 12]) at = directory.writeUInt8(byte, at);
  at += 4 * 4 + 8;
  for (const long of [of.text.offset, of.text.size, 1n]) at = directory.writeBigUInt64BE(long, at);
  of.name.copy(directory, at);
  return directory;
}

const pageHashes = (program: Buffer, limit: number): readonly Buffer[] =>
  Array.from({ length: Math.ceil(limit / PAGE) }, (_, page) =>
    createHash('sha256')
      .update(program.subarray(page * PAGE, Math.min((page + 1) * PAGE, limit)))
      .digest(),
  );

/** Throws, with the reason, unless the program's signature is ad hoc, whole, and true of every page. */
export function assertSigned(program: Buffer): void {
  const { signature } = layoutOf(program);
  if (signature === null) throw new Error('the program has no signature');
  const at = program.readUInt32LE(signature + 8);
  if (at + program.readUInt32LE(signature + 12) !== program.length) {
    throw new Error('the signature does not end where the program ends');
  }
  if (program.readUInt32BE(at) !== SUPER_BLOB) throw new Error('the signature is no super blob');
  const blobs = Array.from({ length: program.readUInt32BE(at + 8) }, (_, index) =>
    program.subarray(at + program.readUInt32BE(at + 16 + index * 8)),
  );
  const directory = blobs.find((blob) => blob.readUInt32BE(0) === CODE_DIRECTORY);
  if (directory === undefined) throw new Error('the signature has no code directory');
  if (directory.readUInt32BE(12) !== AD_HOC) throw new Error('the signature is not ad hoc');
  if (directory.readUInt32BE(32) !== at) throw new Error('the signature does not cover all of the program');
  const hashes = directory.readUInt32BE(16);
  const bad = pageHashes(program, at).filter(
    (hash, page) => !hash.equals(directory.subarray(hashes + page * 32, hashes + (page + 1) * 32)),
  );
  if (bad.length > 0) throw new Error(`${bad.length} pages are not as they were signed`);
}
