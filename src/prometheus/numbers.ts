/** How Go writes a number, in any case: `+Inf` and `NaN` too. */
export const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|[+-]?inf(?:inity)?|nan)$/i;

/** What Go reads as a number: not one that is larger than it can hold. */
export const isNumber = (text: string): boolean =>
  NUMBER.test(text) && (/[in]/i.test(text) || Number.isFinite(Number(text)));

/** A value of a page as a number. */
export const numberOf = (value: string): number => {
  if (/^[+-]?inf/i.test(value)) return value.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(value);
};
