import type { Duplex } from 'node:stream';
import type { Patience } from './deadline.ts';
import type { HttpAnswer } from './http.ts';
import type { PodPort } from './tunnel.ts';

/** The API server, asked with GET. `path` has its query string. Two ways lead there: gateway.ts and raw.ts. */
export interface ApiServer {
  /** Resolves whatever the status; rejects when there is no HTTP answer at all. */
  get(path: string, patience: Patience): Promise<HttpAnswer>;
  /** A connection to a port of a pod (tunnel.ts); null where this way leads to the API server only. */
  tunnel: ((to: PodPort, patience: Patience) => Promise<Duplex>) | null;
  /** The kubeconfig files that kubectl says it reads; none where it does not say. */
  files(): readonly string[];
  /** What kubectl wrote to stderr: the best explanation of a failure. */
  words(): string;
  close(): Promise<void>;
}
