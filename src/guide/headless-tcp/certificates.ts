import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { skip, some, unknown } from '../../diagnosis/verdict.ts';
import { nameOf, unasked } from '../../evidence/envoy/asked.ts';
import { envoyCertificates } from '../../evidence/envoy/certificates.ts';
import { certificateLife, headlessServices, isFileMounted } from '../../evidence/kubernetes/headless.ts';
import { spoken } from '../../evidence/text/duration.ts';
import { NONE } from './steps.ts';

const DAY = 86_400_000;

export const certificatesOutliveConnections = defineCheck({
  id: 'certificates-outlive-connections',
  title: 'renewing certificates cuts no connection',
  explains:
    'The guide says that Envoy restarts every fifteen minutes, which 0.8’s own defaults contradict: Citadel of 0.8 to 1.4 makes certificates for 90 days and renews them after 45 (its arguments may say otherwise), and each renewal replaces Envoy. From 1.5 on certificates come to Envoy without a restart. No Secret is read: Envoy’s own page tells the ages. The guide’s cure, to switch mTLS and Citadel off, lets every certificate expire: leave it for the last.',
  reasons: {
    RestartsOften: 'Certificates live so short that Envoy is replaced more often than once a day.',
    RestartsExpected: 'Each renewal of a certificate replaces Envoy, and cuts its TCP connections.',
  },
  needs: { certificates: envoyCertificates, life: attempt(certificateLife), headless: headlessServices },
  judge({ certificates, life, headless }, { now, plane }) {
    if (headless.length === 0) return skip(NONE);
    if (certificates.length === 0) return skip('no proxy to ask');
    const old = certificates.filter(({ pod, container }) => isFileMounted(pod, container.name, plane.version));
    if (old.length === 0)
      return { status: 'pass', message: 'proxies get their certificates without a restart (1.5 and newer)' };
    if ('missing' in life) return unknown([life.missing]);
    const { ttl, grace } = life.got;
    const interval = ttl - grace;
    const next = old.flatMap(({ said, ...envoy }) => {
      const chain = 'got' in said ? said.got.filter(({ path }) => path.startsWith('/etc/certs')) : [];
      const [soonest] = chain.map(({ notAfter, daysLeft }) => notAfter ?? now + daysLeft * DAY).sort((a, b) => a - b);
      return soonest === undefined ? [] : [{ name: nameOf(envoy), at: soonest - grace }];
    });
    const silent = unasked(old);
    if (next.length === 0 && !silent)
      return { status: 'pass', message: `${some(old.map(nameOf))} mount no certificate that is renewed` };
    const evidence = next.map(({ name, at }) => `${name}: renewed about ${new Date(at).toISOString()}`);
    const at = plane.namespace ?? 'istio-system';
    const verdict = {
      message: `Envoy is replaced every ${spoken(interval)}${next[0] ? `, next about ${new Date(Math.min(...next.map((each) => each.at))).toISOString().slice(0, 16)}` : ''}`,
      evidence,
      hint: `${shellLine('kubectl', '-n', at, 'edit', 'deployment', 'istio-citadel')}   # a longer --workload-cert-ttl; or upgrade to 1.5, and let clients reconnect`,
    } as const;
    if (interval < DAY) return { status: 'fail', reason: 'RestartsOften', ...verdict };
    if (silent && next.length === 0) return silent;
    return { status: 'warn', reason: 'RestartsExpected', ...verdict };
  },
});
