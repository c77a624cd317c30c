import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { count, skip, some } from '../../diagnosis/verdict.ts';
import { answered, askedEnvoys, nameOf, sampleOf, unasked } from '../../evidence/envoy/asked.ts';
import { serverInfos } from '../../evidence/envoy/server-info.ts';
import { headlessServices, ztunnels } from '../../evidence/kubernetes/headless.ts';
import { spoken } from '../../evidence/text/duration.ts';
import { NONE } from './steps.ts';

const HOUR = 3_600_000;

/** In the first minutes 0.8 restarts once, to learn its zone (guide.md h, 6). */
const SETTLING = 10 * 60_000;

export const proxiesStayUp = defineCheck({
  id: 'proxies-stay-up',
  title: 'proxies have not restarted within the last day',
  explains:
    'Asks a few proxies (--sample) how long they have run. Up to 1.6 the agent starts a new Envoy beside the old one when a certificate changes (the epoch rises), and the old one takes its TCP connections along a minute later. A container that was started again cuts all of them.',
  reasons: {
    HotRestarted: 'The agent replaced an Envoy within the last day: every TCP connection through it ended.',
    ProxyRestarted: 'A proxy’s container was started again within the last day: its connections ended.',
  },
  needs: { infos: serverInfos, headless: headlessServices, asked: askedEnvoys },
  judge({ infos, headless, asked }, { now }) {
    if (headless.length === 0) return skip(NONE);
    if (infos.length === 0) return skip('no proxy to ask');
    const seen = answered(infos).map(({ said: info, ...envoy }) => ({ ...envoy, info }));
    const evidence = seen.map(
      (each) =>
        `${nameOf(each)}: epoch ${each.info.epoch}, up for ${spoken(each.info.uptime * 1000)} of ${spoken(each.info.uptimeOfAll * 1000)}`,
    );
    const replaced = seen.filter(
      ({ info }) => info.epoch > 0 && info.uptime < 86_400 && (info.uptimeOfAll - info.uptime) * 1000 > SETTLING,
    );
    const [first] = replaced;
    if (first)
      return {
        status: 'fail',
        reason: 'HotRestarted',
        message: `Envoy was replaced ${spoken(first.info.uptime * 1000)} ago in ${some(replaced.map(nameOf))}`,
        evidence,
        hint: `${shellLine('kubectl', '-n', first.pod.namespace, 'logs', first.pod.name, '-c', first.container.name)} | grep -E 'Epoch|watchFileEvents'`,
      };
    const restarted = asked.envoys.filter(({ pod, container }) =>
      pod.instances.some(
        (each) => each.container === container.name && each.ended?.at && now - each.ended.at < 24 * HOUR,
      ),
    );
    const [again] = restarted;
    if (again)
      return {
        status: 'warn',
        reason: 'ProxyRestarted',
        message: `the proxy of ${some(restarted.map(nameOf))} was started again within the last day`,
        evidence,
        hint: shellLine(
          'kubectl',
          '-n',
          again.pod.namespace,
          'logs',
          again.pod.name,
          '-c',
          again.container.name,
          '--previous',
          '--tail=200',
        ),
      };
    const silent = unasked(infos);
    if (silent) return silent;
    return { status: 'pass', message: `none of ${sampleOf(asked)} restarted in the last day`, evidence };
  },
});

export const ztunnelStaysUp = defineCheck({
  id: 'ztunnel-stays-up',
  title: 'ztunnel has not restarted lately',
  explains:
    'In an ambient mesh every TCP connection of a node goes through its ztunnel: one that ends takes them along after its grace period of 30 seconds.',
  reasons: { ZtunnelRestarted: 'A ztunnel was started within the last hour, or more than three times again.' },
  needs: { ztunnels, headless: headlessServices },
  judge({ ztunnels, headless }, { now }) {
    if (ztunnels.length === 0) return skip('no ztunnel: not an ambient mesh');
    if (headless.length === 0) return skip(NONE);
    const fresh = ztunnels.filter(
      ({ startedAt, restarts }) => restarts > 3 || (startedAt !== null && now - startedAt < HOUR),
    );
    const [first] = fresh;
    if (first)
      return {
        status: 'warn',
        reason: 'ZtunnelRestarted',
        message: some(
          fresh.map(({ name, node, restarts }) => `${name} on ${node ?? 'no node'} (${count(restarts, 'restart')})`),
        ),
        hint: shellLine('kubectl', '-n', first.namespace, 'logs', first.name, '--previous', '--tail=200'),
      };
    return { status: 'pass', message: `${count(ztunnels.length, 'ztunnel')} up for an hour or more` };
  },
});
