import type { Patience } from './deadline.ts';
import type { HttpAnswer } from './http.ts';
import type { Tunnel } from './tunnel.ts';

/** The API server, asked with GET. `path` has its query string. Two ways lead there: gateway.ts and raw.ts. */
export interface ApiServer {
  /**
   * Resolves whatever the status; rejects when there is no HTTP answer at all. `accepted` is how it may be written, where the
   * way can ask for that: JSON else.
   */
  get(path: string, patience: Patience, accepted?: string): Promise<HttpAnswer>;
  /** To a port of a pod; null where this way leads to the API server only. */
  tunnel: Tunnel | null;
  /** The kubeconfig files that kubectl says it reads; none where it does not say. */
  files(): readonly string[];
  /** What kubectl wrote to stderr: the best explanation of a failure. */
  words(): string;
  close(): Promise<void>;
}
