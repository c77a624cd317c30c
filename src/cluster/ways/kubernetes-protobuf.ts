import { isKept } from '../bundle/trim.ts';
import type { Answer } from '../question/cluster.ts';
import {
  always,
  decode,
  flag,
  inlined,
  type Message,
  map,
  message,
  messages,
  number,
  quantities,
  text,
  texts,
  time,
} from './protobuf.ts';

/** How Kubernetes' kinds of its own may be written beside JSON. */
const MEDIA_TYPE = 'application/vnd.kubernetes.protobuf';

/** How it begins then, before the message that all others lie in (k8s.io/apimachinery, pkg/runtime/generated.proto). */
export const MAGIC = Buffer.from('k8s\0');

/** JSON is what aggregated API servers may have alone. */
const EITHER = `${MEDIA_TYPE},application/json`;

export const isProtobuf = ({ contentType }: Pick<Answer, 'contentType'>): boolean => contentType.startsWith(MEDIA_TYPE);

/**
 * The messages of pods, as far as they are read (trim.ts), by the numbers of their fields: k8s.io/api, core/v1/generated.proto,
 * and k8s.io/apimachinery, pkg/apis/meta/v1/generated.proto. A number, once given, is never another field's.
 */

const METADATA: Message = {
  1: text('name'),
  3: text('namespace'),
  8: time('creationTimestamp'),
  9: time('deletionTimestamp'),
  11: map('labels'),
  12: map('annotations', isKept),
  13: messages('ownerReferences', { 1: text('kind'), 3: text('name') }),
};

const CONTAINER: Message = {
  1: always(text('name')),
  2: text('image'),
  3: texts('command'),
  4: texts('args'),
  6: messages('ports', {
    1: text('name'),
    2: number('hostPort'),
    3: always(number('containerPort')),
    4: text('protocol'),
    5: text('hostIP'),
  }),
  7: messages('env', { 1: always(text('name')), 2: text('value') }),
  8: message('resources', { 1: quantities('limits') }),
  15: message('securityContext', { 4: always(number('runAsUser')) }),
  24: text('restartPolicy'),
};

/** What a volume is made of is the volume's own in JSON, and the name of a ConfigMap the ConfigMap's. */
const VOLUME: Message = {
  1: always(text('name')),
  2: inlined({ 19: message('configMap', { 1: inlined({ 1: text('name') }) }) }),
};

const SPEC: Message = {
  1: messages('volumes', VOLUME),
  2: messages('containers', CONTAINER),
  10: text('nodeName'),
  11: flag('hostNetwork'),
  14: message('securityContext', { 2: always(number('runAsUser')) }),
  20: messages('initContainers', CONTAINER),
};

const STATE: Message = {
  1: message('waiting', { 1: text('reason'), 2: text('message') }),
  2: message('running', { 1: time('startedAt') }),
  3: message('terminated', {
    1: always(number('exitCode')),
    2: number('signal'),
    3: text('reason'),
    4: text('message'),
    5: time('startedAt'),
    6: time('finishedAt'),
    7: text('containerID'),
  }),
};

const INSTANCE: Message = {
  1: always(text('name')),
  2: message('state', STATE),
  3: message('lastState', STATE),
  4: always(flag('ready')),
  5: always(number('restartCount')),
};

const STATUS: Message = {
  1: text('phase'),
  2: messages('conditions', { 1: always(text('type')), 2: always(text('status')), 5: text('reason') }),
  4: text('reason'),
  6: text('podIP'),
  7: time('startTime'),
  8: messages('containerStatuses', INSTANCE),
  10: messages('initContainerStatuses', INSTANCE),
};

const POD: Message = {
  1: message('metadata', METADATA),
  2: message('spec', SPEC),
  3: message('status', STATUS),
};

/** Of which long lists are asked for in Protocol Buffers: by what kubectl calls them. */
const MESSAGES: Readonly<Record<string, Message>> = { pods: POD };

/** The message of an object of this kind; null where it is asked for in JSON. */
export const messageOfA = (kind: string): Message | null => MESSAGES[kind] ?? null;

/** How a list of this kind may be written; undefined where it is asked for in JSON, as everything is by default. */
export const acceptedOf = (kind: string): string | undefined => (messageOfA(kind) ? EITHER : undefined);

/** What the API server says in place of an answer (metav1.Status), in its envelope. */
const REFUSAL: Message = { 2: message('status', { 3: text('message'), 4: text('reason') }) };

/** How it says so in JSON. */
export const refusalIn = (body: Buffer): string =>
  JSON.stringify({ kind: 'Status', ...(decode(REFUSAL, body.subarray(MAGIC.length)).status as object) });
