/** A right as RBAC names it; `namespace: null` means in all of them. */
export interface Right {
  verb: 'get' | 'list' | 'create';
  /** `pods`, `pods/log`, `rules.config.istio.io`. */
  resource: string;
  namespace: string | null;
  /** Of the one object that is asked for; absent for all, or where only the cluster tells the name. */
  name?: string;
}
