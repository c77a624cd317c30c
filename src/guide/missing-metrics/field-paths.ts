/** How deep into a spec a field is named: below that it is a part of one. */
const DEPTH = 3;

/** What kubectl keeps for itself, and what Kubernetes' own controllers note. */
const UNREAD = /^metadata\.annotations\[(kubectl\.kubernetes\.io\/|deployment\.kubernetes\.io\/)/;

/** What istiod and the like write into webhooks, again and again: their certificate. */
const CERTIFICATE = /\.clientConfig\.caBundle$/;

/**
 * Fields that somebody has set, in words: `spec.metrics`, `metadata.labels[istio.io/rev]`, from the form of metav1.FieldsV1.
 * Without a status, and without what only keeps books.
 */
export function fieldPathsIn(fields: unknown): readonly string[] {
  const paths = new Set<string>();
  for (const path of leavesOf(fields, '', 0)) if (!UNREAD.test(path) && !CERTIFICATE.test(path)) paths.add(path);
  return [...paths];
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function* leavesOf(fields: unknown, path: string, depth: number): Generator<string> {
  const below = isObject(fields) ? Object.keys(fields).filter((key) => /^[fk]:/.test(key)) : [];
  // Webhooks are looked into for what is theirs: a certificate alone is no change.
  if (below.length === 0 || (depth >= DEPTH && !path.startsWith('webhooks'))) {
    if (path !== '') yield path;
    return;
  }
  for (const key of below) {
    if (path === '' && key === 'f:status') continue;
    yield* leavesOf((fields as Record<string, unknown>)[key], joined(path, key), depth + 1);
  }
}

function joined(path: string, key: string): string {
  const name = key.slice(2);
  if (key.startsWith('k:')) return `${path}[${nameIn(name)}]`;
  if (path === '') return name;
  return /^[\w-]+$/.test(name) ? `${path}.${name}` : `${path}[${name}]`;
}

/** What tells an entry of a list from the others: `{"name":"x"}` as `x`. */
function nameIn(key: string): string {
  try {
    const values: unknown[] = Object.values(JSON.parse(key) as object);
    return values.map(String).join(',');
  } catch {
    return key;
  }
}
