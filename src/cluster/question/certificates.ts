import { X509Certificate } from 'node:crypto';

/** Text in base64, as Kubernetes keeps bytes. */
export const decoded = (text: string): string => Buffer.from(text, 'base64').toString('utf8');

/** When the certificates in a PEM text expire, in milliseconds since 1970; null where one is none, or there is none. */
export function expiriesIn(pem: string): readonly number[] | null {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  try {
    const all = blocks.map((block) => Date.parse(new X509Certificate(block).validTo));
    return all.length > 0 ? all : null;
  } catch {
    return null;
  }
}
