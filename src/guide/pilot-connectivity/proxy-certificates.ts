import { defineCheck } from '../../diagnosis/check.ts';
import { skip, some } from '../../diagnosis/verdict.ts';
import { askedEnvoys, logLine, nameOf, sampleOf, unasked } from '../../evidence/envoy/asked.ts';
import { envoyCertificates } from '../../evidence/envoy/certificates.ts';
import { spoken } from '../../evidence/text/duration.ts';

const DAY = 86_400_000;

/** A certificate is renewed long before its end, after half of its time: what is left of the last hour is late. */
const LATE = 3_600_000;

export const proxyCertificatesValid = defineCheck({
  id: 'proxy-certificates-valid',
  title: 'the certificates that proxies show Pilot are valid',
  explains:
    'Asks a few proxies (--sample) for the certificates that they show their peers. One that has expired is refused by Pilot and by every other proxy; one in its last hour should have been renewed half its time ago: the proxy no longer reaches whoever signs it. No Secret is read.',
  reasons: {
    CertificateExpired: 'A proxy’s certificate has expired: Pilot and the mesh refuse its connections.',
    CertificateLate: 'A proxy’s certificate ends within the hour: its renewal has not come.',
  },
  needs: { certificates: envoyCertificates, asked: askedEnvoys },
  judge({ certificates, asked }, { now }) {
    if (certificates.length === 0) return skip('no proxy to ask');
    const seen = certificates.flatMap(({ said, ...envoy }) =>
      ('got' in said ? said.got : [])
        .filter(({ own }) => own)
        .map(({ notAfter, daysLeft }) => ({
          ...envoy,
          left: notAfter === null ? daysLeft * DAY : notAfter - now,
          isDays: notAfter === null,
        })),
    );
    const words = (each: (typeof seen)[number]): string =>
      `${nameOf(each)}: ${each.left < 0 ? `ended ${spoken(-each.left)} ago` : `${each.isDays && each.left === 0 ? 'less than a day' : spoken(each.left)} left`}`;
    const unique = (found: readonly (typeof seen)[number][]): readonly string[] => [...new Set(found.map(words))];
    const evidence = unique(seen).slice(0, 20);
    // 0 days left is the last one.
    const expired = seen.filter(({ left, isDays }) => (isDays ? left < 0 : left <= 0));
    const [first] = expired;
    if (first)
      return {
        status: 'fail',
        reason: 'CertificateExpired',
        message: some(unique(expired)),
        evidence,
        hint: logLine(first),
      };
    const late = seen.filter(({ left }) => left < LATE);
    const [other] = late;
    if (other)
      return { status: 'warn', reason: 'CertificateLate', message: some(unique(late)), evidence, hint: logLine(other) };
    const silent = unasked(certificates);
    if (silent) return silent;
    if (seen.length === 0) return skip(`${sampleOf(asked)} show no certificate: no mTLS`);
    return {
      status: 'pass',
      message: `valid for ${spoken(Math.min(...seen.map(({ left }) => left)))} or more, in ${sampleOf(asked)}`,
      evidence,
    };
  },
});
