import { clientMinor, minorOf } from '../../cluster/identity.ts';
import { handOver } from '../../cluster/kubectl.ts';
import { namespaces } from '../../cluster/resources.ts';
import { shellLine } from '../../cluster/shell.ts';
import { askJson } from '../../cluster/text.ts';
import { settle } from '../../diagnosis/source.ts';
import { DiagError, UsageError } from '../../errors.ts';
import type { Pod } from '../../evidence/pod.ts';
import { proxyContainerOf } from '../../evidence/proxies.ts';
import { jsonOf } from '../../report/columns.ts';
import { escapeText } from '../../report/escape.ts';
import { type Io, print } from '../io.ts';
import { type Arguments, kubectlFlagsOf } from '../options.ts';
import { openConfiguration, type Session } from '../session.ts';
import { podCalled } from './target.ts';

type Tool = 'tcpdump' | 'gdb';

/** What decides how a debug container is made. */
export interface Situation {
  pod: Pod;
  /** The minor releases of Kubernetes and kubectl; null where they are not known. */
  server: number | null;
  client: number | null;
  /** The pod security level that the namespace enforces; null for none, or where it may not be seen. */
  level: string | null;
}

/** A line to type, and what there is to know before. */
export interface Plan {
  notes: readonly string[];
  /** kubectl's arguments, and the command for the container. */
  args: readonly string[];
  command: readonly string[];
}

const PROXY_USER = 1337;

/** The mesh's own proxy image has tcpdump, is allowed and is there already; its distroless kind has nothing (guide.md f). */
const proxyImage = (pod: Pod): string =>
  (proxyContainerOf(pod)?.image ?? 'docker.io/istio/proxyv2:latest')
    .replace(/@sha256:[0-9a-f]+$/, '')
    .replace(/-distroless$/, '');

/** The first port of the application. */
const portOf = ({ containers }: Pod): number | null =>
  containers.filter(({ name }) => name !== 'istio-proxy').flatMap(({ ports }) => ports)[0]?.port ?? null;

/**
 * The `kubectl debug` line for a cluster's version and pod security (guide.md f: profiles by release). Throws where no
 * debug container can be made.
 */
export function planOf(tool: Tool, { pod, server, client, level }: Situation): Plan {
  const at = `${pod.namespace}/${pod.name}`;
  if (server !== null && server < 23)
    throw new DiagError(
      `Kubernetes 1.${server} has no ephemeral containers (1.23 is the first): on node ${pod.node ?? 'of the pod'}, as root: nsenter --net --target "$(pgrep -xo envoy)" tcpdump -i any -nn`,
    );
  const first = tool === 'tcpdump' ? 29 : 25;
  if (client !== null && client < first)
    throw new DiagError(
      `kubectl 1.${client} has no profile for ${tool}: 1.${first} is the first (${tool === 'tcpdump' ? 'netadmin with NET_RAW' : '--profile=general'})`,
    );
  const user = pod.containers.find(({ user }) => user !== null && user !== 0 && user !== PROXY_USER)?.user ?? null;
  const notes = [
    `This adds a container to pod ${at} that stays there, ended or not, until the pod is deleted.`,
    'It takes the rights to patch pods/ephemeralcontainers and to create pods/attach.',
    ...(level === 'baseline' || level === 'restricted'
      ? [
          `Namespace ${pod.namespace} enforces the pod security level ${level}, which refuses such a container: ${shellLine('kubectl', 'label', 'namespace', pod.namespace, 'pod-security.kubernetes.io/enforce=privileged', '--overwrite')} allows it until you set it back.`,
        ]
      : []),
    ...(user === null
      ? []
      : [
          `The pod runs as user ${user}, and a capability is of no use to that: add --custom=root.json with {"securityContext":{"runAsUser":0,"runAsNonRoot":false}} (kubectl 1.32 and newer).`,
        ]),
    ...(tool === 'tcpdump'
      ? [
          'What an application and its Envoy say to each other on the loopback is not encrypted: a capture may hold secrets.',
        ]
      : [
          'gdb stops Envoy while it is attached: that is an outage of the pod.',
          'A released Envoy is stripped: gdb needs its symbols; in the container: apt-get update && apt-get install -y gdb && gdb -p "$(pgrep -xo envoy)"',
        ]),
  ];
  const port = portOf(pod);
  const common = ['debug', '-n', pod.namespace, pod.name, '-it'];
  if (tool === 'tcpdump') {
    const filter = port === null ? 'not port 15000' : `port ${port} and not port 15000`;
    return {
      notes,
      args: [...common, '--profile=netadmin', `--image=${proxyImage(pod)}`],
      command: ['tcpdump', '-i', 'any', '-nn', '-s0', '-c', '1000', filter],
    };
  }
  const target = proxyContainerOf(pod)?.name;
  if (target === undefined) throw new DiagError(`pod ${at} has no proxy: none of its containers is one of Istio’s`);
  return {
    notes,
    args: [...common, '--profile=general', `--target=${target}`, '--image=docker.io/library/ubuntu'],
    command: ['bash'],
  };
}

async function situationOf(pod: Pod, args: Arguments, io: Io, { cluster, source }: Session): Promise<Situation> {
  const { kubectl, patience } = openConfiguration(args, io);
  const [server, client, found] = await Promise.all([
    settle(askJson(cluster, { ask: 'discovery', path: '/version' })),
    source === 'live' ? clientMinor(kubectl, patience) : null,
    settle(
      cluster.list({ ask: 'list', resource: namespaces, namespace: null, fields: `metadata.name=${pod.namespace}` }),
    ),
  ]);
  const labels = 'got' in found ? found.got[0]?.metadata.labels : undefined;
  return {
    pod,
    server: 'got' in server ? minorOf(server.got) : null,
    client,
    level: labels?.['pod-security.kubernetes.io/enforce'] ?? null,
  };
}

/** `debug tcpdump POD`, `debug gdb POD`: prints the line; with --execute runs it, after saying what it does. */
export async function container(
  tool: Tool,
  [word]: readonly string[],
  args: Arguments,
  io: Io,
  session: Session,
  json: boolean,
): Promise<number> {
  const execute = args.execute === true;
  if (execute && session.source === 'bundle')
    throw new UsageError('--execute means a live cluster, --bundle replays one');
  const plan = planOf(tool, await situationOf(await podCalled(word, args, session), args, io, session));
  const line = shellLine('kubectl', ...plan.args, '--', ...plan.command);
  const notes = plan.notes.map((note) => `# ${escapeText(note)}\n`).join('');
  if (!execute) {
    await print(io.stdout, json ? `${jsonOf({ command: line, notes: plan.notes }, 2)}\n` : `${notes}${line}\n`);
    return 0;
  }
  await print(io.stderr, `${notes}${line}\n`);
  const { kubectl } = openConfiguration(args, io);
  return handOver({ ...kubectl, flags: kubectlFlagsOf(args) }, plan.args, plan.command);
}
