/** An object of a namespace. */
export interface Named {
  name: string;
  namespace: string;
}

/** `NAMESPACE/NAME`. */
export const titleOf = ({ namespace, name }: Named): string => `${namespace}/${name}`;
