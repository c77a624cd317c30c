import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A certificate with its key, as PEM. */
export interface Pair {
  cert: string;
  key: string;
}

/** Makes certificates with openssl, in `folder`. */
export function certificatesIn(folder: string): {
  authority(name: string): Pair;
  signed(by: Pair, name: string, days: number): Pair;
} {
  const file = (name: string, text?: string): string => {
    const path = join(folder, name);
    if (text !== undefined) writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const openssl = (...args: string[]): string =>
    execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
  const key = (): string => openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout');
  return {
    authority(name) {
      const path = file('ca.key', key());
      const cert = openssl('req', '-x509', '-new', '-key', path, '-subj', `/O=${name}`, '-days', '365');
      return { cert, key: readFileSync(path, 'utf8') };
    },
    /** `days` may be negative: then it has expired. */
    signed(by, name, days) {
      const own = file('leaf.key', key());
      const request = file('leaf.csr', openssl('req', '-new', '-key', own, '-subj', '/'));
      const names = file('leaf.ext', `subjectAltName=DNS:${name}\n`);
      const stamp = (day: number): string =>
        new Date(Date.now() + day * 86_400_000)
          .toISOString()
          .replace(/[-:T]|\..*/g, '')
          .concat('Z');
      const database = file('index.txt', '');
      file('index.txt.attr', 'unique_subject = no\n');
      const config = file(
        'ca.cnf',
        `[ca]\ndefault_ca=a\n[a]\ndatabase=${database}\nnew_certs_dir=${folder}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=optional\n`,
      );
      const cert = file('leaf.crt');
      const signer = ['-cert', file('by.crt', by.cert), '-keyfile', file('by.key', by.key)];
      const dates = ['-startdate', stamp(Math.min(-2, days - 1)), '-enddate', stamp(days)];
      openssl(
        'ca',
        '-batch',
        '-notext',
        '-config',
        config,
        ...signer,
        '-in',
        request,
        '-extfile',
        names,
        ...dates,
        '-out',
        cert,
      );
      return { cert: readFileSync(cert, 'utf8'), key: readFileSync(own, 'utf8') };
    },
  };
}
