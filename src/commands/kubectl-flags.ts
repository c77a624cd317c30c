import { UsageError } from '../errors.ts';
import type { Arguments } from './arguments.ts';

/** kubectl's own connection flags: they go to every kubectl process, spelled as kubectl does. */
export const KUBECTL_FLAGS = {
  kubeconfig: { type: 'string', file: true, requiresArg: true, describe: 'Path to the kubeconfig file to use' },
  context: { type: 'string', requiresArg: true, describe: 'The name of the kubeconfig context to use' },
  cluster: { type: 'string', requiresArg: true, describe: 'The name of the kubeconfig cluster to use' },
  user: { type: 'string', requiresArg: true, describe: 'The name of the kubeconfig user to use' },
  as: { type: 'string', requiresArg: true, describe: 'Username to impersonate' },
  'as-group': { type: 'array', string: true, requiresArg: true, describe: 'Group to impersonate, can be repeated' },
  'as-user-extra': {
    type: 'array',
    string: true,
    requiresArg: true,
    describe: 'Extra of the user to impersonate, KEY=VALUE, can be repeated (newer kubectls)',
  },
  'as-uid': { type: 'string', requiresArg: true, describe: 'UID to impersonate' },
  'request-timeout': {
    type: 'string',
    requiresArg: true,
    describe: 'The length of time to wait for one request: 5s, 1m; 0 waits as long as --timeout (default 10s)',
  },
  server: {
    alias: 's',
    type: 'string',
    requiresArg: true,
    describe: 'The address and port of the Kubernetes API server',
  },
  token: { type: 'string', requiresArg: true, describe: 'Bearer token for authentication to the API server' },
  'certificate-authority': {
    type: 'string',
    file: true,
    requiresArg: true,
    describe: 'Path to a cert file for the certificate authority',
  },
  'client-certificate': {
    type: 'string',
    file: true,
    requiresArg: true,
    describe: 'Path to a client certificate file for TLS',
  },
  'client-key': { type: 'string', file: true, requiresArg: true, describe: 'Path to a client key file for TLS' },
  username: { type: 'string', requiresArg: true, describe: 'Username for basic authentication to the API server' },
  password: { type: 'string', requiresArg: true, describe: 'Password for basic authentication to the API server' },
  'cache-dir': { type: 'string', file: true, requiresArg: true, describe: 'The folder of kubectl’s cache' },
  'disable-compression': { type: 'boolean', describe: 'Ask the API server for answers that are not compressed' },
  'match-server-version': { type: 'boolean', describe: 'Require the API server to be of kubectl’s own version' },
  'insecure-skip-tls-verify': { type: 'boolean', describe: 'Do not check the server’s certificate' },
  'tls-server-name': {
    type: 'string',
    requiresArg: true,
    describe: 'Server name to use for validating the server’s certificate',
  },
} as const;

/** The connection flags that were given, as arguments of a kubectl process. */
export function kubectlFlagsOf(args: Arguments): readonly string[] {
  return Object.keys(KUBECTL_FLAGS).flatMap((name) => {
    const value = args[name];
    if (value === undefined || value === false) return [];
    if (value === '') throw new UsageError(`--${name} takes a value`);
    if (value === true) return [`--${name}`];
    return Array.isArray(value) ? value.map((each) => `--${name}=${each}`) : [`--${name}=${value as string}`];
  });
}
