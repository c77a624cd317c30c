import { shellWord } from './shell.ts';

/** What gets past the login of the Prometheus at a URL, as a person types it: files and names, never a value. */
export interface Login {
  /** The file that holds the bearer token. */
  tokenFile: string | null;
  /** The names of the headers that are sent too. */
  headers: readonly string[];
  /** The file that holds the certificates of the authority that is trusted. */
  ca: string | null;
}

/** A header's name, which a shell takes literally: curl is told it. */
export const isHeaderName = (value: unknown): value is string =>
  typeof value === 'string' && /^[A-Za-z][\w-]*$/.test(value);

/** The Prometheus that the user named. */
export type PrometheusAt =
  | { url: string; login?: Login }
  | { namespace: string; service: string; port: number; prefix: string };

/** How curl is told the same: the token out of its file, a header's value out of a variable of its name. */
export function curlFlags({ tokenFile, headers, ca }: Login): readonly string[] {
  return [
    ...(ca === null ? [] : [`--cacert ${shellWord(ca)}`]),
    ...(tokenFile === null ? [] : [`-H "Authorization: Bearer $(cat ${shellWord(tokenFile)})"`]),
    ...headers.map((name) => `-H "${name}: $${name.toUpperCase().replaceAll('-', '_')}"`),
  ];
}
