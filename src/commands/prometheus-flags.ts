import { readFileSync } from 'node:fs';
import type { Login, PrometheusAt } from '../cluster/question/login.ts';
import type { UrlAccess } from '../cluster/ways/url.ts';
import { messageOf, UsageError } from '../errors.ts';
import { type Arguments, text } from './arguments.ts';

/** What gets past a login: of a Prometheus at a URL only. */
const LOGIN_FLAGS = ['prometheus-token-file', 'prometheus-header', 'prometheus-ca'] as const;

/** The Prometheus that the user named; null for those that are found. Throws UsageError. */
export function prometheusOf(args: Arguments): PrometheusAt | null {
  const url = text(args['prometheus-url']);
  const service = text(args['prometheus-service']);
  if (url !== null && service !== null) throw new UsageError('give --prometheus-url or --prometheus-service, not both');
  if (url !== null) {
    const login = loginOf(args);
    return { url: urlWithoutCredentials(url), ...(login && { login }) };
  }
  const [alone] = LOGIN_FLAGS.filter((name) => args[name] !== undefined);
  if (alone !== undefined) throw new UsageError(`--${alone} goes with --prometheus-url`);
  if (service === null) return null;
  const [, namespace, name, port, prefix = ''] = /^([^/]+)\/([^/:]+):(\d+)(\/.*)?$/.exec(service) ?? [];
  if (!namespace || !name || !port) {
    throw new UsageError(`--prometheus-service takes NAMESPACE/NAME:PORT[/PREFIX], not ${JSON.stringify(service)}`);
  }
  return { namespace, service: name, port: Number(port), prefix: prefix.replace(/\/+$/, '') };
}

function urlWithoutCredentials(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError('--prometheus-url takes an http or https URL');
  }
  if (url.search !== '' || url.hash !== '') throw new UsageError('--prometheus-url takes no query and no fragment');
  return `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`;
}

/** What is shown of the login. */
function loginOf(args: Arguments): Login | null {
  const [tokenFile, ca] = [fileOf(args, 'prometheus-token-file'), fileOf(args, 'prometheus-ca')];
  const headers = [...headersOf(args).keys()];
  return tokenFile === null && ca === null && headers.length === 0 ? null : { tokenFile, headers, ca };
}

/** What is sent: used to ask, never shown and never kept. Throws UsageError, with no value in its words. */
export function urlAccessOf(args: Arguments): UrlAccess {
  const [tokenFile, ca] = [fileOf(args, 'prometheus-token-file'), fileOf(args, 'prometheus-ca')];
  const url = text(args['prometheus-url']);
  const headers = headersOf(args);
  if (ca !== null && !/^https:/i.test(url ?? ''))
    throw new UsageError('--prometheus-ca goes with an https URL: an http one shows no certificate');
  const access: UrlAccess = {
    basic: url === null ? undefined : credentialsIn(url),
    token: tokenFile === null ? undefined : tokenIn(tokenFile),
    headers,
    ca: ca === null ? undefined : certificatesIn(ca),
  };
  const logins = [
    ...(access.basic === undefined ? [] : ['a user in --prometheus-url']),
    ...(tokenFile === null ? [] : ['--prometheus-token-file']),
    ...([...headers.keys()].some(isAuthorization) ? ['an Authorization in --prometheus-header'] : []),
  ];
  if (logins.length > 1) throw new UsageError(`give one login, not ${logins.join(' and ')}`);
  return access;
}

const isAuthorization = (name: string): boolean => /^authorization$/i.test(name);

/** The path that a flag names; null without the flag. */
function fileOf(args: Arguments, flag: (typeof LOGIN_FLAGS)[number]): string | null {
  if (args[flag] === '') throw new UsageError(`--${flag} takes a file`);
  return text(args[flag]);
}

function credentialsIn(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { username, password } = new URL(text);
  try {
    return username === '' ? undefined : `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  } catch {
    throw new UsageError('--prometheus-url: write a % in the user or the password as %25');
  }
}

/** What would change how the answer is framed, or what the question is: it stays a GET that only reads. */
const RESERVED =
  /^(host|connection|content-.*|transfer-encoding|te|trailer|upgrade|expect|keep-alive|proxy-.*|accept-encoding|range|.*method.*)$/i;

/** What a header may hold (RFC 9110 5.5); Node's own test is in a module that takes 2 ms to load. */
const SENDABLE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** The headers by their names. */
function headersOf(args: Arguments): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  const given = args['prometheus-header'];
  for (const each of Array.isArray(given) ? given : []) {
    const [, name = '', value = ''] = /^([A-Za-z][\w-]*):[ \t]*(.*?)[ \t]*$/s.exec(String(each)) ?? [];
    if (name === '' || value === '' || !SENDABLE.test(value))
      throw new UsageError("--prometheus-header takes 'NAME: VALUE', such as 'X-Scope-OrgID: team'");
    if (RESERVED.test(name)) throw new UsageError(`--prometheus-header does not take ${name}`);
    if ([...headers.keys()].some((known) => known.toLowerCase() === name.toLowerCase()))
      throw new UsageError(`--prometheus-header gives ${name} twice`);
    headers.set(name, value);
  }
  return headers;
}

function tokenIn(file: string): string {
  const token = contentOf(file, 'prometheus-token-file').trim();
  if (token === '') throw new UsageError(`--prometheus-token-file: ${file} is empty`);
  // A file of another kind, a kubeconfig or a private key, must not be sent anywhere.
  if (!/^[\x21-\x7e]{1,65536}$/.test(token))
    throw new UsageError(`--prometheus-token-file: ${file} holds no token, which is one word`);
  return token;
}

function certificatesIn(file: string): string {
  const pem = contentOf(file, 'prometheus-ca');
  if (!/-----BEGIN (TRUSTED )?CERTIFICATE-----/.test(pem))
    throw new UsageError(`--prometheus-ca: ${file} holds no certificate in PEM`);
  return pem;
}

function contentOf(file: string, flag: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--${flag} cannot be read: ${messageOf(error)}`);
  }
}
