import { namespaces } from '../../cluster/question/resources.ts';
import { shellLine } from '../../cluster/question/shell.ts';
import { askJson } from '../../cluster/question/text.ts';
import { clientMinor, minorOf } from '../../cluster/ways/identity.ts';
import { handOver } from '../../cluster/ways/kubectl.ts';
import { settle } from '../../diagnosis/source.ts';
import { DiagError, UsageError } from '../../errors.ts';
import { PROXY_USER, proxyContainerOf } from '../../evidence/istio/proxies.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import type { Pod } from '../../evidence/kubernetes/pod.ts';
import { escapeText } from '../../report/escape.ts';
import type { Configured } from '../session.ts';
import { podCalled } from './target.ts';
import type { Shown, Work } from './work.ts';

type Tool = 'tcpdump' | 'gdb';

/** What decides how a debug container is made. */
export interface Situation {
  pod: Pod;
  /** The minor releases of Kubernetes and kubectl; null where they are not known. */
  server: number | null;
  client: number | null;
  /** The pod security level that the namespace enforces: null for none, undefined where it could not be seen. */
  level: string | null | undefined;
}

/** A line to type, and what there is to know before. */
export interface Plan {
  notes: readonly string[];
  /** kubectl's arguments, and the command for the container. */
  args: readonly string[];
  command: readonly string[];
}

/** The mesh's own proxy image has tcpdump, is allowed and is there already; its distroless kind has nothing (guide.md f). */
function proxyImage(pod: Pod): string {
  const image = proxyContainerOf(pod)?.image ?? 'docker.io/istio/proxyv2:latest';
  if (!/^[\w./:@-]+$/.test(image))
    throw new DiagError(`the image of pod ${titleOf(pod)}’s proxy is no name of an image: ${JSON.stringify(image)}`);
  const [name = '', digest] = image.split('@');
  const isTagged = /:[^/]+$/.test(name);
  // A digest names one kind of image, and cannot be told from another.
  return isTagged || digest === undefined ? name.replace(/-distroless$/, '') : image;
}

/** The first port of the application. */
const portOf = ({ containers }: Pod): number | null =>
  containers.filter(({ name }) => name !== 'istio-proxy').flatMap(({ ports }) => ports)[0]?.port ?? null;

/** What cannot be had in another way, on a cluster that has no ephemeral containers. */
const onNode = (tool: Tool, { name, namespace, node }: Pod): string =>
  `on node ${node ?? 'of the pod'}, as root: pid=$(crictl inspect --output go-template --template '{{.info.pid}}' $(crictl ps -q --pod $(crictl pods -q --name ${name} --namespace ${namespace}) --name istio-proxy)); nsenter --net --pid --target "$pid" ${tool === 'tcpdump' ? 'tcpdump -i any -nn' : 'gdb -p "$(pgrep -xo envoy)"'}`;

function levelNotes({ pod, level }: Situation): readonly string[] {
  if (level === undefined)
    return [
      `Which pod security level namespace ${pod.namespace} enforces could not be seen: baseline and restricted refuse such a container.`,
    ];
  if (level !== 'baseline' && level !== 'restricted') return [];
  const allow = shellLine(
    'kubectl',
    'label',
    'namespace',
    pod.namespace,
    'pod-security.kubernetes.io/enforce=privileged',
    '--overwrite',
  );
  return [
    `Namespace ${pod.namespace} enforces the pod security level ${level}, which refuses such a container: ${allow} allows it until you set it back.`,
  ];
}

/**
 * The `kubectl debug` line for a cluster's version and pod security (guide.md f: profiles by release). Throws where no
 * debug container can be made.
 */
export function planOf(tool: Tool, situation: Situation): Plan {
  const { pod, server, client } = situation;
  const at = titleOf(pod);
  if (server !== null && server < 23)
    throw new DiagError(`Kubernetes 1.${server} has no ephemeral containers (1.23 is the first): ${onNode(tool, pod)}`);
  const first = tool === 'tcpdump' ? 29 : 25;
  if (client !== null && client < first)
    throw new DiagError(
      `kubectl 1.${client} has no profile for ${tool}: 1.${first} is the first (${tool === 'tcpdump' ? 'netadmin with NET_RAW' : '--profile=general'})`,
    );
  const user = pod.containers.find(({ user }) => user !== null && user !== 0 && user !== PROXY_USER)?.user ?? null;
  const notes = [
    `This adds a container to pod ${at} that stays there, ended or not, until the pod is deleted.`,
    'It takes the rights to patch pods/ephemeralcontainers and to create pods/attach.',
    ...(server === null || client === null
      ? ['The versions of Kubernetes or kubectl could not be seen: those of today are assumed.']
      : []),
    ...levelNotes(situation),
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

async function situationOf(pod: Pod, { session }: Work, configured: Configured): Promise<Situation> {
  const { cluster, source } = session;
  const fields = `metadata.name=${pod.namespace}`;
  const [server, client, found] = await Promise.all([
    settle(askJson(cluster, { ask: 'discovery', path: '/version' })),
    source === 'live' ? clientMinor(configured.kubectl, configured.patience) : null,
    settle(cluster.list({ ask: 'list', resource: namespaces, namespace: null, fields })),
  ]);
  return {
    pod,
    server: 'got' in server ? minorOf(server.got) : null,
    client,
    level: 'got' in found ? (found.got[0]?.metadata.labels?.['pod-security.kubernetes.io/enforce'] ?? null) : undefined,
  };
}

/** What a line for a person leaves out of kubectl's flags: a token is a secret, and a deadline is for us. */
const shown = (flags: readonly string[]): readonly string[] =>
  flags.filter((flag) => !/^--(token|request-timeout)=/.test(flag));

/** A line to print, or to run in the user's own terminal. */
export interface Prepared extends Shown {
  /** Hands the terminal over to kubectl; null where only the line was asked for. */
  run: ((interrupt: AbortSignal) => Promise<number>) | null;
}

/** `debug tcpdump POD`, `debug gdb POD`: the line; with --execute it is to be run, after saying what it does. */
export async function container(
  tool: Tool,
  [word]: readonly string[],
  work: Work,
  configured: Configured,
): Promise<Prepared> {
  const { args, session } = work;
  if (args.execute === true && session.source === 'bundle')
    throw new UsageError('--execute means a live cluster, --bundle replays one');
  const plan = planOf(tool, await situationOf(await podCalled(word, work), work, configured));
  const { kubectl } = configured;
  const line = escapeText(shellLine('kubectl', ...plan.args, ...shown(kubectl.flags), '--', ...plan.command));
  const notes = plan.notes.map(escapeText);
  return {
    data: { command: line, notes },
    text: () => `${notes.map((note) => `# ${note}\n`).join('')}${line}\n`,
    run: args.execute === true ? (interrupt) => handOver(kubectl, plan.args, plan.command, interrupt) : null,
  };
}
