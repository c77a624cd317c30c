import { adminPage, ofEachEnvoy, readAdmin } from './asked.ts';

/** A certificate that an Envoy shows its peers. */
export interface Certificate {
  path: string;
  /** Milliseconds since 1970; null where the page tells days only. */
  notAfter: number | null;
  daysLeft: number;
  /** Whether it is the workload's own, and not one that a gateway shows in its host's name. */
  own: boolean;
}

type RawCertificate =
  | string
  | {
      path?: string;
      days_until_expiration?: string | number;
      expiration_time?: string;
      subject_alt_names?: readonly { uri?: string }[];
    };

/** `Certificate Path: /etc/certs/cert-chain.pem, Serial Number: 1f, Days until Expiration: 89`, before Envoy 1.9. */
function certificateOf(raw: RawCertificate): Certificate | null {
  if (typeof raw === 'string') {
    const days = /Days until Expiration: (-?\d+)/i.exec(raw)?.[1];
    const path = /Path: ([^,\s]+)/i.exec(raw)?.[1] ?? '';
    return days === undefined
      ? null
      : { path, notAfter: null, daysLeft: Number(days), own: path.startsWith('/etc/certs') };
  }
  const notAfter = Date.parse(raw.expiration_time ?? '') || null;
  const path = raw.path ?? '';
  const own =
    path.startsWith('/etc/certs') || (raw.subject_alt_names ?? []).some(({ uri = '' }) => uri.startsWith('spiffe://'));
  return { path, notAfter, daysLeft: Number(raw.days_until_expiration ?? 0), own };
}

const listOf = (value: unknown): readonly RawCertificate[] =>
  Array.isArray(value) ? (value as RawCertificate[]) : value ? [value as RawCertificate] : [];

/** The chains that `/certs` names, without the authorities; null of what is no such page. */
export function certificatesIn(page: string): readonly Certificate[] | null {
  try {
    const { certificates } = JSON.parse(page) as { certificates?: readonly { cert_chain?: unknown }[] };
    if (!Array.isArray(certificates)) return null;
    return certificates.flatMap(({ cert_chain }) => listOf(cert_chain).flatMap((each) => certificateOf(each) ?? []));
  } catch {
    return null;
  }
}

export const envoyCertificates = ofEachEnvoy([{ verb: 'create', resource: 'pods/portforward' }], (ask, envoy) =>
  readAdmin(ask, adminPage(envoy, '/certs'), certificatesIn),
);
