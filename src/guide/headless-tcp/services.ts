import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { count, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { headlessServices } from '../../evidence/kubernetes/headless.ts';
import { allServices } from '../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import { NONE } from './steps.ts';

export const headlessPortsAreNamed = defineCheck({
  id: 'headless-ports-are-named',
  title: 'TCP ports of headless services say that they are TCP',
  explains:
    'Lists the headless Services in namespaces where proxies run, with the ports that are TCP by the rules of the release. From 1.3 on the proxy looks at what is sent to a port without a protocol: where the server speaks first (a database, a broker), it waits for the client in vain, and the connection ends after a while.',
  reasons: {
    ProtocolDetected: 'A port of a headless Service names no protocol: the proxy waits for what the client sends.',
  },
  needs: { headless: headlessServices, services: allServices },
  judge({ headless, services }) {
    if (headless.length === 0) return services.refusal ? unknown([services.refusal]) : skip(NONE);
    const name = ({ service }: (typeof headless)[number]): string => titleOf(service);
    const detected = headless.filter(({ ports }) => ports.some((port) => port.detected));
    const evidence = headless.map(
      (each) => `${name(each)}: ${each.ports.map(({ name, port }) => `${name ?? 'unnamed'} ${port}`).join(', ')}`,
    );
    const [first] = detected;
    if (first)
      return {
        status: 'warn',
        reason: 'ProtocolDetected',
        message: `${some(detected.map(name))} ${detected.length === 1 ? 'has a port' : 'have ports'} without a protocol`,
        evidence,
        hint: `${shellLine('kubectl', '-n', first.service.namespace, 'edit', 'service', first.service.name)}   # name the port tcp-…`,
      };
    return {
      status: 'pass',
      message: `${count(headless.length, 'headless Service')}: ${some(headless.map(name))}`,
      evidence,
    };
  },
});
