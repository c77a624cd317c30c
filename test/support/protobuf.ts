/** Writes Protocol Buffers by hand: what a test wants on the wire, byte by byte. */

/** A whole number, negative ones as int64. */
export function varint(number: bigint | number): number[] {
  const bytes: number[] = [];
  for (let left = BigInt.asUintN(64, BigInt(number)); ; ) {
    const part = Number(left & 0x7fn);
    left >>= 7n;
    if (left === 0n) return [...bytes, part];
    bytes.push(part | 0x80);
  }
}

/** A field that holds a number. */
export const numbered = (field: number, value: bigint | number): number[] => [...varint(field << 3), ...varint(value)];

/** A field that holds a text, or a message's fields. */
export function field(number: number, held: string | readonly number[]): number[] {
  const bytes = typeof held === 'string' ? [...Buffer.from(held)] : held;
  return [...varint((number << 3) | 2), ...varint(bytes.length), ...bytes];
}

/** A document of Kubernetes': the envelope, and what is in it. */
export const enveloped = (raw: readonly number[]): Buffer =>
  Buffer.from([
    ...Buffer.from('k8s\0'),
    ...field(1, field(2, 'PodList')),
    ...field(2, raw),
    ...field(3, ''),
    ...field(4, ''),
  ]);
