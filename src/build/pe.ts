/**
 * A Windows program without its Authenticode signature, which any change makes invalid: an unsigned program is what it
 * is, one with a broken signature looks tampered with (packaging.md 1.4).
 */
export function unsign(program: Buffer): Buffer {
  const header = program.readUInt32LE(0x3c);
  if (program.toString('latin1', header, header + 4) !== 'PE\0\0') throw new Error('not a Windows program');
  const optional = header + 24;
  if (program.readUInt16LE(optional) !== 0x20b) throw new Error('not a 64-bit Windows program');
  const security = securityDirectory(program);
  const { at, size } = certificate(program);
  if (at === 0) return program;
  if (at + size !== program.length) throw new Error('the signature is not the end of the program');
  const unsigned = Buffer.from(program.subarray(0, at));
  unsigned.writeBigUInt64LE(0n, security);
  unsigned.writeUInt32LE(0, optional + 64);
  return unsigned;
}

/** Where the signature lies, and how long it is; both 0 without one. */
export function certificate(program: Buffer): { at: number; size: number } {
  const directory = securityDirectory(program);
  return { at: program.readUInt32LE(directory), size: program.readUInt32LE(directory + 4) };
}

/** The fifth of the data directories, which begin 112 bytes into a 64-bit optional header. */
const securityDirectory = (program: Buffer): number => program.readUInt32LE(0x3c) + 24 + 112 + 4 * 8;
