import type { KubernetesObject } from '../cluster/cluster.ts';

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

/** `NAMESPACE/NAME`. */
export const titleOf = ({ namespace, name }: Named): string => `${namespace}/${name}`;
