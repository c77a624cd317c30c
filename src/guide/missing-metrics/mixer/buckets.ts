type Json = Record<string, unknown>;
const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});

/**
 * Why the adapter refuses a distribution's buckets, or null when it takes them. It hands them to the Prometheus client,
 * which panics on a count below one, a factor of one or less, and bounds that do not grow (1.0.0:mixer/adapter/prometheus).
 */
export function bucketsProblem(buckets: unknown): string | null {
  const linear = object(buckets).linearBuckets ?? object(buckets).linear_buckets;
  const exponential = object(buckets).exponentialBuckets ?? object(buckets).exponential_buckets;
  const explicit = object(buckets).explicit_buckets ?? object(buckets).explicitBuckets;
  if (linear !== undefined) {
    const { finite, width } = { finite: countOf(linear), width: Number(object(linear).width ?? 0) };
    if (!(finite > 0)) return `linear buckets need a positive count, not ${finite}`;
    if (!(width > 0)) return `linear buckets need a positive width, not ${width}`;
  }
  if (exponential !== undefined) {
    const scale = Number(object(exponential).scale ?? 0);
    const factor = Number(object(exponential).growthFactor ?? object(exponential).growth_factor ?? 0);
    if (!(countOf(exponential) > 0)) return `exponential buckets need a positive count, not ${countOf(exponential)}`;
    if (!(scale > 0)) return `exponential buckets need a positive scale, not ${scale}`;
    if (!(factor > 1)) return `exponential buckets need a growth factor above 1, not ${factor}`;
  }
  if (explicit !== undefined) {
    const bounds = object(explicit).bounds;
    const numbers = Array.isArray(bounds) ? bounds.map(Number) : [];
    if (numbers.some((bound, index) => index > 0 && !(bound > Number(numbers[index - 1]))))
      return 'explicit bounds must grow';
  }
  return null;
}

const countOf = (buckets: unknown): number =>
  Number(object(buckets).numFiniteBuckets ?? object(buckets).num_finite_buckets ?? 0);
