import type { LogQuestion } from '../../cluster/question/question.ts';
import { textOf } from '../../cluster/question/text.ts';
import type { Attempt } from '../../diagnosis/check.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import { webhookBackends } from './webhooks.ts';

/** The words of injectors and of istiod, by release (guide.md j). */
const PATTERNS = [
  ['HandshakesRefused', /TLS handshake error.*(bad certificate|unknown (certificate )?authority)/],
  [
    'PatchFails',
    /Register webhook failed|Patch webhook failed|failed to start patch cert loop|patching webhook .*failed/i,
  ],
] as const;

/** The end of one pod's log, as far as it is about webhooks. */
export interface WebhookLog {
  pod: string;
  lines: readonly { meaning: (typeof PATTERNS)[number][0]; line: string }[];
}

const CONTAINERS = ['discovery', 'sidecar-injector-webhook', 'galley', 'validator'];

/** Of each pod behind a webhook, once. */
export const webhookLogs = planeSource(
  [{ verb: 'get', resource: 'pods/log' }],
  async ({ cluster, from }): Promise<readonly Attempt<WebhookLog>[]> => {
    const pods = new Map(
      (await from(webhookBackends)).flatMap(({ pods }) => (pods ?? []).map((pod) => [pod.name, pod])),
    );
    return Promise.all(
      [...pods.values()].map((pod) => {
        const container = pod.containers.find(({ name }) => CONTAINERS.includes(name)) ?? pod.containers[0];
        const question: LogQuestion = {
          ask: 'log',
          namespace: pod.namespace,
          pod: pod.name,
          container: container?.name ?? '',
          part: { tailLines: 5000 },
        };
        const read = async (): Promise<WebhookLog> => {
          const text = await textOf(question, await cluster.read(question));
          const lines = text.split('\n').flatMap((line) => {
            const [meaning] = PATTERNS.find(([, pattern]) => pattern.test(line)) ?? [];
            return meaning === undefined ? [] : [{ meaning, line }];
          });
          return { pod: pod.name, lines };
        };
        return settle(read());
      }),
    );
  },
);
