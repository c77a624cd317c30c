/** A host and port, as Go's proxy settings see the API server's call of a webhook. */
export interface Target {
  host: string;
  port: number;
}

const isAddress = (host: string): boolean => /^\d+\.\d+\.\d+\.\d+$/.test(host) || host.includes(':');

/**
 * The entry of a no_proxy list that exempts `target`, by the rules of golang.org/x/net/http/httpproxy; null when none
 * does. `x` is x and its subdomains, `.x` and `*.x` its subdomains only, `*` everything; an address or a range of them
 * fits addresses only, never a name (guide.md 0.1).
 */
export function exemptedBy(noProxy: string, { host, port }: Target): string | null {
  for (const part of noProxy.split(',')) {
    const entry = part.trim().toLowerCase();
    if (entry === '') continue;
    if (entry === '*') return entry;
    const [, named = entry, onPort] = /^(.*?):(\d+)$/.exec(entry) ?? [];
    if (onPort !== undefined && Number(onPort) !== port) continue;
    if (entry.includes('/') || isAddress(named)) {
      if (named === host.toLowerCase() || contains(entry, `${host}/32`)) return entry;
      continue;
    }
    const suffix = named.startsWith('*.') ? named.slice(1) : named;
    const name = host.toLowerCase();
    if (suffix.startsWith('.') ? name.endsWith(suffix) : name === suffix || name.endsWith(`.${suffix}`)) return entry;
  }
  return null;
}

/** Whether a range of addresses is in the list, as it is or within a wider one that is written the same way. */
export const listsRange = (noProxy: string, range: string): boolean =>
  noProxy.split(',').some((part) => {
    const entry = part.trim();
    return entry === '*' || entry === range || contains(entry, range);
  });

/** Whether `wide` contains `narrow`: ranges of IPv4. */
function contains(wide: string, narrow: string): boolean {
  const [a, b] = [rangeOf(wide), rangeOf(narrow)];
  if (!a || !b || a.bits > b.bits) return false;
  const mask = a.bits === 0 ? 0 : (0xffffffff << (32 - a.bits)) >>> 0;
  return (a.address & mask) >>> 0 === (b.address & mask) >>> 0;
}

function rangeOf(text: string): { address: number; bits: number } | null {
  const [, a, b, c, d, bits] = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(text) ?? [];
  if (bits === undefined || Number(bits) > 32) return null;
  return { address: ((Number(a) << 24) | (Number(b) << 16) | (Number(c) << 8) | Number(d)) >>> 0, bits: Number(bits) };
}
