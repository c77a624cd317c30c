import type { KubernetesObject } from '../../cluster/question/cluster.ts';

/** An object of a namespace. */
export interface Named {
  name: string;
  namespace: string;
}

/** What an object is called. */
export const named = ({ metadata }: KubernetesObject): Named => ({
  name: metadata.name,
  namespace: metadata.namespace ?? '',
});

/** What an object is called, and when it was made, in milliseconds since 1970; 0 where nothing says. */
export const dated = (from: KubernetesObject): Named & { createdAt: number } => ({
  ...named(from),
  createdAt: Date.parse(from.metadata.creationTimestamp ?? '') || 0,
});

/** `NAMESPACE/NAME`. */
export const titleOf = ({ namespace, name }: Named): string => `${namespace}/${name}`;
