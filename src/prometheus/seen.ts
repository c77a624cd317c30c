/**
 * Numbers of 64 bits that were seen: the hashes of a page's series, at 11 to 21 bytes each, where their texts would take
 * hundreds. Two series may have one hash, and then a sample is named as there twice that is not: on one of 37 million pages
 * of a million series each. Texts to compare with would have to be kept, which is what this saves. Who writes a page to have
 * such series makes his own page look bad, which he can do with less.
 */
export class Seen {
  /** Pairs: what lies together is fetched together. */
  private pairs = new Int32Array(2048);
  private size = 0;
  /** Zero marks an empty slot, so it is kept by itself. */
  private hasZero = false;

  /** Whether it was there before. */
  add(high: number, low: number): boolean {
    if (high === 0 && low === 0) {
      const had = this.hasZero;
      this.hasZero = true;
      return had;
    }
    if (this.size * 8 > this.pairs.length * 3) this.grow();
    if (!this.put(high, low)) return true;
    this.size++;
    return false;
  }

  private put(high: number, low: number): boolean {
    const { pairs } = this;
    const mask = pairs.length - 1;
    for (let slot = (low << 1) & mask; ; slot = (slot + 2) & mask) {
      const there = pairs[slot] as number;
      const thereLow = pairs[slot + 1] as number;
      if (there === 0 && thereLow === 0) {
        pairs[slot] = high;
        pairs[slot + 1] = low;
        return true;
      }
      if (there === high && thereLow === low) return false;
    }
  }

  private grow(): void {
    const { pairs } = this;
    this.pairs = new Int32Array(pairs.length * 2);
    for (let i = 0; i < pairs.length; i += 2) {
      const high = pairs[i] as number;
      const low = pairs[i + 1] as number;
      if (high !== 0 || low !== 0) this.put(high, low);
    }
  }
}

/** Spreads what was added up over all bits (the end of MurmurHash3). */
export function spread(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Where the two halves of a hash begin, and what each character multiplies them with (FNV-1a's, and another odd number). */
export const HIGH = 0x811c9dc5 | 0;
export const LOW = 0x2f0b4a27;
export const HIGH_PRIME = 0x01000193;
export const LOW_PRIME = 0x5bd1e995;

/** The hash of a text whose characters are bytes. */
export function hashOf(text: string): [number, number] {
  let high = HIGH;
  let low = LOW;
  for (let i = 0; i < text.length; i++) {
    high = Math.imul(high ^ text.charCodeAt(i), HIGH_PRIME);
    low = Math.imul(low ^ text.charCodeAt(i), LOW_PRIME);
  }
  return [high, low];
}
