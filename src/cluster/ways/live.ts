import { messageOf, NoAnswer } from '../../errors.ts';
import { keptOf } from '../bundle/kept.ts';
import type { Answer, Cluster, KubernetesObject } from '../question/cluster.ts';
import {
  apiPath,
  type ClockQuestion,
  type ObjectQuestion,
  type PageQuestion,
  type Question,
  type UrlQuestion,
} from '../question/question.ts';
import { assertReadOnly, mayBeProxied } from '../question/read-only.ts';
import { typedName } from '../question/resources.ts';
import { textOf, unanswered } from '../question/text.ts';
import type { ApiServer } from './api-server.ts';
import { readClock } from './clock.ts';
import { connectionsThrough } from './connections.ts';
import { Overdue, type Patience, within } from './deadline.ts';
import { executionsThrough } from './executions.ts';
import { NoGateway, openGateway } from './gateway.ts';
import { shakeHands } from './handshake.ts';
import type { HeadStart } from './head-start.ts';
import { type HttpAnswer, once, quote } from './http.ts';
import type { Kubectl } from './kubectl-process.ts';
import { acceptedOf, isProtobuf, refusalIn } from './kubernetes-protobuf.ts';
import { readList } from './list.ts';
import { type Connection, getPage } from './pages.ts';
import { rawApiServer } from './raw.ts';
import { isRefusedByPod, refusedBy } from './refusal.ts';
import type { Scratch } from './scratch.ts';
import type { WebSockets } from './tunnel.ts';
import { getUrl, type UrlAccess } from './url.ts';

/** A cluster that is really there. */
export interface LiveCluster extends Cluster {
  /**
   * Starts the way to the API server before the first question. Resolves when it stands or cannot be had, to the
   * kubeconfig files that kubectl says it reads.
   */
  start(): Promise<readonly string[]>;
  /** Ends every kubectl that was started. */
  close(): Promise<void>;
}

export interface LiveOptions {
  kubectl: Kubectl;
  patience: Patience;
  scratch: Scratch;
  /** What may have been started already, with this kubectl and scratch. */
  headStart?: HeadStart | null;
  /** What gets past the login of the Prometheus at a URL. */
  urlAccess?: UrlAccess;
}

/** Before a throttled question is asked again (ms). */
const PAUSES = [250, 500, 1000];

export function liveCluster({
  kubectl,
  patience,
  scratch,
  headStart,
  urlAccess = { headers: new Map() },
}: LiveOptions): LiveCluster {
  let apiServer: Promise<ApiServer> | undefined;
  let closed = false;
  /** The addresses of the pods that were listed, by `NAMESPACE/NAME`: only its own words are a pod's refusal. */
  const addresses = new Map<string, string>();

  const connected = (): Promise<ApiServer> => {
    apiServer ??= connect();
    return apiServer;
  };

  const websockets: WebSockets = { work: null };
  const connections = connectionsThrough(connected, kubectl, patience, websockets);
  const executions = executionsThrough(connected, kubectl, scratch, patience, websockets);

  async function connect(): Promise<ApiServer> {
    // Node cannot open kubectl's unix socket on Windows.
    if (process.platform === 'win32') return rawApiServer(kubectl);
    try {
      return await openGateway(kubectl, scratch, patience, headStart ?? null);
    } catch (error) {
      // A kubectl that cannot proxy may still answer, and if not, it says why in its own words.
      if (error instanceof NoGateway && !error.missing) return rawApiServer(kubectl);
      throw error;
    }
  }

  /** A name that no API server gives is never asked for, which costs what is asked of it and nothing else. */
  function assertMayBeAsked(question: Question): void {
    try {
      assertReadOnly(question);
    } catch (error) {
      throw unanswered(question, 'BadAnswer', messageOf(error), { cause: error });
    }
    // After the end nothing is started any more: it would outlive the run.
    if (closed) throw unanswered(question, 'Interrupted', 'the run had ended before this was asked');
  }

  async function ask(question: Question, path: string): Promise<HttpAnswer> {
    try {
      const server = await connected();
      const accepted = acceptedFor(question);
      let answer = await server.get(path, patience, accepted);
      for (const pause of PAUSES) {
        if (answer.status !== 429) break;
        await quote(answer.body);
        await within({ request: 0, run: patience.run }, new Promise((resolve) => setTimeout(resolve, pause)));
        answer = await server.get(path, patience, accepted);
      }
      if (answer.status === 200) return answer;
      throw refusedBy(question, answer.status, await refusalOf(answer), server.words());
    } catch (error) {
      throw noAnswerOf(question, error);
    }
  }

  function noteAddresses(pods: readonly KubernetesObject[]): void {
    for (const { metadata, status } of pods) {
      const { podIP } = (status ?? {}) as { podIP?: unknown };
      if (typeof podIP === 'string') addresses.set(`${metadata.namespace}/${metadata.name}`, podIP);
    }
  }

  async function readPage(question: PageQuestion): Promise<Answer> {
    try {
      return await getPage(question, await connections.open(question), patience);
    } catch (error) {
      const refused = error instanceof NoAnswer && error.unanswered.hindrance === 'Forbidden';
      // Admin and debug pages answer to loopback only: the API server's way is no way to them.
      if (!refused || !mayBeProxied(question.path)) throw error;
      return readThroughApiServer(question, error);
    }
  }

  /** The way round for a user who may not port-forward: the API server's own proxy, with the right `get pods/proxy`. */
  async function readThroughApiServer(question: PageQuestion, refusal: NoAnswer): Promise<Answer> {
    const { namespace, pod, port, path } = question;
    try {
      const server = await connected();
      const proxied = `/api/v1/namespaces/${namespace}/pods/${pod}:${port}/proxy${path}`;
      const answer = await server.get(proxied, patience);
      if (answer.status === 200) return guard(question, answer);
      const said = refusedBy(question, answer.status, await quote(answer.body));
      const ip = addresses.get(`${namespace}/${pod}`);
      if (ip !== undefined && isRefusedByPod(said.unanswered.words, port, [ip])) {
        throw unanswered(question, 'ConnectionRefused', said.unanswered.words);
      }
      throw said;
    } catch (error) {
      const said = noAnswerOf(question, error);
      if (said.unanswered.hindrance === 'ConnectionRefused') throw said;
      throw new NoAnswer({ ...refusal.unanswered, triedInstead: [`get pods/proxy: ${said.unanswered.words}`] });
    }
  }

  async function clockOf(question: ClockQuestion): Promise<Answer> {
    const { of } = question;
    return of === null ? ask(question, '/version') : pageThrough(await connections.open({ ask: 'page', ...of }), of);
  }

  const pageThrough = (connection: Connection, of: NonNullable<ClockQuestion['of']>): Promise<Answer> =>
    getPage({ ask: 'page', ...of }, connection, patience);

  async function readUrl(question: UrlQuestion): Promise<Answer> {
    try {
      return guard(question, await getUrl(question, urlAccess, patience));
    } catch (error) {
      throw noAnswerOf(question, error);
    }
  }

  return {
    async list(question) {
      assertMayBeAsked(question);
      const read = async (path: string): Promise<Answer> => guard(question, await ask(question, path));
      return readList(question, read, question.resource.plural === 'pods' ? noteAddresses : undefined);
    },
    async read(question) {
      assertMayBeAsked(question);
      if (question.ask === 'page') return readPage(question);
      if (question.ask === 'exec') return executions.run(question);
      if (question.ask === 'handshake') return shakeHands(question, () => connections.open(question), patience);
      if (question.ask === 'clock') return readClock(question, () => clockOf(question));
      if (question.ask === 'url') return readUrl(question);
      const answer = guard(question, await ask(question, pathWithQuery(question)));
      return question.ask === 'object' ? trimmed(question, answer) : answer;
    },
    async start() {
      const server = await connected().catch(() => null);
      // What it wrote first may be read last: to stderr.
      await new Promise(setImmediate);
      return server?.files() ?? [];
    },
    async close() {
      closed = true;
      await Promise.all([
        connections.close(),
        executions.close(),
        apiServer?.then((server) => server.close()).catch(() => undefined),
      ]);
    },
  };
}

/** The metadata of objects without the rest: what it is, and who has changed it. */
const metadataOf = (kind: string): string => `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json`;

/** How the answer may be written; undefined where it is asked for in JSON, as everything is by default. */
function acceptedFor(question: Question): string | undefined {
  if (question.ask === 'object') return question.managed && metadataOf('PartialObjectMetadata');
  if (question.ask !== 'list') return undefined;
  return question.managed ? metadataOf('PartialObjectMetadataList') : acceptedOf(typedName(question.resource));
}

/** What the API server says in place of an answer, as JSON has it. */
async function refusalOf(answer: HttpAnswer): Promise<string> {
  if (!isProtobuf(answer)) return quote(answer.body);
  const parts: Buffer[] = [];
  for await (const part of answer.body) parts.push(part);
  return refusalIn(Buffer.concat(parts));
}

function pathWithQuery(question: Question): string {
  if (question.ask !== 'log') return `${apiPath(question)}`;
  const part =
    'tailLines' in question.part ? `tailLines=${question.part.tailLines}` : `limitBytes=${question.part.limitBytes}`;
  return `${apiPath(question)}?container=${encodeURIComponent(question.container)}&${part}${question.previous ? '&previous=true' : ''}`;
}

/** An object is trimmed as it comes, as those of a list are: what is not read is never recorded. */
async function trimmed(question: ObjectQuestion, answer: Answer): Promise<Answer> {
  const text = await textOf(question, answer);
  let object: unknown;
  try {
    object = JSON.parse(text);
  } catch (error) {
    throw unanswered(question, 'BadAnswer', `the object is not whole JSON: ${messageOf(error)}`);
  }
  const body = Buffer.from(JSON.stringify(keptOf(question, object)));
  return {
    ...answer,
    body: once(body),
  };
}

/** The answer, its body throwing NoAnswer where the connection breaks. */
function guard(question: Question, answer: HttpAnswer): Answer {
  async function* body(): AsyncGenerator<Buffer> {
    try {
      yield* answer.body;
    } catch (error) {
      throw noAnswerOf(question, error);
    }
  }
  return { ...answer, body: body() };
}

/** Whatever a question threw, as NoAnswer. */
function noAnswerOf(question: Question, error: unknown): NoAnswer {
  if (error instanceof NoAnswer) return error;
  if (error instanceof Overdue) return unanswered(question, error.stop, error.message);
  if (error instanceof NoGateway) {
    const words = 'there is no kubectl on the PATH: install it, or set KUBECTL_PATH to it';
    return unanswered(question, 'NoKubectl', words, { cause: error });
  }
  const words = messageOf(error);
  // Of a URL's own server it is an answer; anywhere else it says that our kubectl is gone.
  const refused = question.ask === 'url' ? 'ConnectionRefused' : 'Unreachable';
  const hindrance = /ECONNREFUSED/.test(words) ? refused : 'BadAnswer';
  return unanswered(question, hindrance, words, { cause: error });
}
