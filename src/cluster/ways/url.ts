import type { NoAnswer } from '../../errors.ts';
import type { UrlQuestion } from '../question/question.ts';
import { unanswered } from '../question/text.ts';
import type { Patience } from './deadline.ts';
import { hidden, hiding } from './hiding.ts';
import { type HttpAnswer, httpGet, once, quote } from './http.ts';

/** What gets past the login of the Prometheus at a URL; never part of a question, and never shown. */
export interface UrlAccess {
  /** `user:password`. */
  basic?: string | undefined;
  token?: string | undefined;
  headers: ReadonlyMap<string, string>;
  /** Certificates of the authority to trust in place of the system's, as PEM. */
  ca?: string | undefined;
}

/** A value that is shorter may be any word of an answer: a tenant is called `default`. */
const SECRET_LENGTH = 16;

/** GETs a page of a URL. Rejects with NoAnswer, or with what the socket said. */
export async function getUrl(question: UrlQuestion, access: UrlAccess, patience: Patience): Promise<HttpAnswer> {
  const { protocol, hostname, port, pathname, search } = new URL(question.url);
  const isSecure = protocol === 'https:';
  // TLS costs 8 ms to load: kubectl speaks it for us.
  const send = isSecure ? (await import('node:https')).request : undefined;
  const options = {
    // A URL writes an IPv6 address in brackets, a socket does not.
    hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    path: pathname + search,
    headers: {
      accept: 'application/json',
      'accept-encoding': 'identity',
      ...Object.fromEntries(access.headers),
      ...(access.token !== undefined && { authorization: `Bearer ${access.token}` }),
    },
    ...(access.basic !== undefined && { auth: access.basic }),
    ...(isSecure && access.ca !== undefined && { ca: access.ca }),
    agent: false as const,
  };
  const values = secretsIn(access);
  const answer = await httpGet(options, patience, send).catch((error: unknown) => {
    throw isDistrust(error) ? distrusted(question, error) : error;
  });
  if (answer.status >= 300 && answer.status < 400) throw await redirected(question, answer, values);
  if (answer.status === 200) return { ...answer, body: hiding(answer.body, values.filter(isLong)) };
  // Only its words are read, and a server may repeat in them what it was sent.
  return { ...answer, body: hiding(once(Buffer.from(await quote(answer.body))), values) };
}

/** Whether the server's certificate is of nobody that is trusted: Node's codes of OpenSSL's. */
const isDistrust = (error: unknown): error is Error =>
  /SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)/.test(String((error as NodeJS.ErrnoException | null)?.code));

const distrusted = (question: UrlQuestion, error: Error): NoAnswer =>
  unanswered(question, 'BadAnswer', `${error.message}: name the authority of its certificate with --prometheus-ca`);

const isLong = (value: string): boolean => value.length >= SECRET_LENGTH;

/** What must not be shown: of a user the password, and both as they are sent. */
const secretsIn = ({ headers, token = '', basic = '' }: UrlAccess): readonly string[] =>
  [...headers.values(), token, basic.slice(basic.indexOf(':') + 1), Buffer.from(basic).toString('base64')].filter(
    (value) => value !== '',
  );

/** Nothing is followed: what gets past this server's login is none of another's business. */
async function redirected(question: UrlQuestion, answer: HttpAnswer, values: readonly string[]): Promise<NoAnswer> {
  await quote(answer.body);
  const { location } = answer;
  const base = new URL(question.url);
  if (location === undefined || !URL.canParse(location, base.href))
    return unanswered(question, 'BadAnswer', `HTTP ${answer.status}: a redirect that leads nowhere`);
  const to = new URL(location, base);
  // A login's address carries what must not be shown.
  const where = `${to.protocol}//${to.host}${to.pathname}`;
  const cure =
    to.hostname === base.hostname && !isLogin(to)
      ? 'name the address that answers with --prometheus-url'
      : 'a login? Give it --prometheus-token-file or --prometheus-header';
  const words = `HTTP ${answer.status}: it redirects to ${where}, which is not followed: ${cure}`;
  return unanswered(question, 'BadAnswer', hidden(words, values));
}

const isLogin = ({ pathname }: URL): boolean => /log-?in|sign-?in|auth|sso|saml/i.test(pathname);
