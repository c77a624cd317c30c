const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration as Go and protobuf write it, `2160h0m0s` or `0.5s`, in milliseconds; null of what is none. */
export function durationIn(text: unknown): number | null {
  if (typeof text !== 'string' || !/^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/.test(text)) return null;
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)].reduce(
    (sum, [, number, unit = '']) => sum + Number(number) * (UNITS[unit] ?? 0),
    0,
  );
}

/** `45 days`, `12 hours`, `90 seconds`: as a person says it. */
export function spoken(milliseconds: number): string {
  for (const [unit, size] of [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
  ] as const) {
    const number = Math.round(milliseconds / size);
    if (milliseconds >= 2 * size || (unit === 'day' && milliseconds >= size))
      return `${number} ${unit}${number === 1 ? '' : 's'}`;
  }
  const seconds = Math.round(milliseconds / 1000);
  return `${seconds} second${seconds === 1 ? '' : 's'}`;
}
