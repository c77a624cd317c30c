import { isAtLeast } from '../../../../istio/release.ts';

/** An object that a release of Istio ships for its metrics, as `kubectl apply` takes it. */
export interface ShippedObject {
  apiVersion: 'config.istio.io/v1alpha2';
  kind: string;
  metadata: { name: string; namespace: string; labels?: Readonly<Record<string, string>> };
  spec: unknown;
}

interface Kept {
  kind: string;
  name: string;
  /** What limits 0.8's to a protocol. */
  labels?: Readonly<Record<string, string>>;
  spec: unknown;
}

/** What they are for, as they depend on each other: attributes have names, kubernetesenv tells those of pods. */
export const PARTS = ['attributes', 'kubernetesenv', 'handler', 'instances', 'rules'] as const;
export type Part = (typeof PARTS)[number];

/** Of which they are kept here. */
export const RELEASES = ['0.8', '1.0', '1.1', '1.2', '1.3', '1.4'];

function partOf({ kind, name }: Kept): Part {
  if (kind === 'attributemanifest') return 'attributes';
  if (/kubernetes/.test(`${kind} ${name}`) || name === 'attributes' || name.includes('kubeattrgen'))
    return 'kubernetesenv';
  if (kind === 'rule') return 'rules';
  return kind === 'metric' || kind === 'instance' ? 'instances' : 'handler';
}

/**
 * The objects of Mixer's chart (charts/mixer/templates/config.yaml, mixer.md 3.2), without those labels that keep books: of
 * 0.8.0, of 1.0.6, of 1.1.0, and of 1.3.8, which 1.2 and 1.4 read as well. istioctl of 1.5 and later makes them.
 */
async function keptOf(release: string): Promise<readonly Kept[] | null> {
  if (!isAtLeast(release, '0.8') || isAtLeast(release, '1.5')) return null;
  if (!isAtLeast(release, '1.0')) return (await import('./0.8.json', { with: { type: 'json' } })).default;
  if (!isAtLeast(release, '1.1')) return (await import('./1.0.json', { with: { type: 'json' } })).default;
  if (!isAtLeast(release, '1.2')) return (await import('./1.1.json', { with: { type: 'json' } })).default;
  return (await import('./1.3.json', { with: { type: 'json' } })).default;
}

/** Names of instances are whole in a handler: with the namespace that they lie in. */
const within = (spec: unknown, namespace: string): unknown =>
  JSON.parse(JSON.stringify(spec), (key, value: unknown) =>
    key === 'instance_name' && typeof value === 'string' ? value.replace(/\.istio-system$/, `.${namespace}`) : value,
  );

/** What a release ships: all of it, or some of its parts (`handler`) or objects (`rules/promhttp`). Null where it is not kept here. */
export async function shippedObjects(
  release: string,
  namespace: string,
  wanted: readonly string[],
): Promise<readonly ShippedObject[] | null> {
  const kept = await keptOf(release);
  const isWanted = (each: Kept): boolean =>
    wanted.length === 0 || wanted.includes(partOf(each)) || wanted.includes(`${partOf(each)}/${each.name}`);
  const order = (each: Kept): number => PARTS.indexOf(partOf(each));
  return (
    kept &&
    [...kept]
      .filter(isWanted)
      .sort((a, b) => order(a) - order(b))
      .map(({ kind, name, labels, spec }) => ({
        apiVersion: 'config.istio.io/v1alpha2',
        kind,
        metadata: { name, namespace, ...(labels && { labels }) },
        spec: within(spec, namespace),
      }))
  );
}

/** What may be asked for: each part, and each object in it. */
export async function shippedNames(release: string): Promise<readonly string[]> {
  const kept = (await keptOf(release)) ?? [];
  return PARTS.flatMap((part) => [
    part,
    ...kept.filter((each) => partOf(each) === part).map(({ name }) => `${part}/${name}`),
  ]);
}
