import type { KubernetesObject } from '../question/cluster.ts';
import { type Field, type Message, ProtobufReader } from './protobuf.ts';

/**
 * A list of pods as the API server keeps it: a third of JSON's size, and of what it takes to make and to read. Field by field
 * as k8s.io/api/core/v1/generated.proto has them, which never change; as far as trim.ts keeps them.
 * test/e2e/pods-protobuf.e2e.ts holds it against the JSON of a real API server.
 */
export const PROTOBUF = 'application/vnd.kubernetes.protobuf';

const message = (fields: Readonly<Record<number, Field>>): Message =>
  new Map(Object.entries(fields).map(([number, field]) => [Number(number), field]));

const text = (name: string): Field => ({ name, of: 'text' });
const number = (name: string): Field => ({ name, of: 'number' });
const flag = (name: string): Field => ({ name, of: 'flag' });
const time = (name: string): Field => ({ name, of: 'time' });
const one = (name: string, of: Message): Field => ({ name, of });
const many = (name: string, of: Message | 'text'): Field => ({ name, of, in: 'list' });
const always = (field: Field): Field => ({ ...field, always: true });
const inline = (of: Message): Field => ({ name: null, of });

const OWNER = message({ 1: always(text('kind')), 3: always(text('name')) });

const METADATA = message({
  1: text('name'),
  3: text('namespace'),
  8: time('creationTimestamp'),
  9: time('deletionTimestamp'),
  11: { name: 'labels', of: 'text', in: 'map' },
  12: { name: 'annotations', of: 'text', in: 'map' },
  13: many('ownerReferences', OWNER),
});

const PORT = message({
  1: text('name'),
  2: number('hostPort'),
  3: always(number('containerPort')),
  4: text('protocol'),
  5: text('hostIP'),
});

const CONTAINER = message({
  1: always(text('name')),
  2: text('image'),
  3: many('command', 'text'),
  4: many('args', 'text'),
  6: many('ports', PORT),
  7: many('env', message({ 1: always(text('name')), 2: text('value') })),
  8: one('resources', message({ 1: { name: 'limits', of: 'quantity', in: 'map' } })),
  15: one('securityContext', message({ 4: always(number('runAsUser')) })),
  24: text('restartPolicy'),
});

const CONFIG_MAP = message({ 1: inline(message({ 1: text('name') })) });

const SPEC = message({
  1: many('volumes', message({ 1: always(text('name')), 2: inline(message({ 19: one('configMap', CONFIG_MAP) })) })),
  2: many('containers', CONTAINER),
  10: text('nodeName'),
  11: flag('hostNetwork'),
  14: one('securityContext', message({ 2: always(number('runAsUser')) })),
  20: many('initContainers', CONTAINER),
});

const STATE = message({
  1: one('waiting', message({ 1: text('reason'), 2: text('message') })),
  2: one('running', message({ 1: time('startedAt') })),
  3: one(
    'terminated',
    message({
      1: always(number('exitCode')),
      2: number('signal'),
      3: text('reason'),
      4: text('message'),
      5: time('startedAt'),
      6: time('finishedAt'),
      7: text('containerID'),
    }),
  ),
});

const INSTANCE = message({
  1: always(text('name')),
  2: one('state', STATE),
  3: one('lastState', STATE),
  4: always(flag('ready')),
  5: always(number('restartCount')),
});

const STATUS = message({
  1: text('phase'),
  2: many(
    'conditions',
    message({ 1: always(text('type')), 2: always(text('status')), 5: text('reason'), 6: text('message') }),
  ),
  4: text('reason'),
  6: text('podIP'),
  7: time('startTime'),
  8: many('containerStatuses', INSTANCE),
  10: many('initContainerStatuses', INSTANCE),
});

const POD = message({ 1: one('metadata', METADATA), 2: one('spec', SPEC), 3: one('status', STATUS) });

const LIST = message({ 3: text('continue') });

/** What every answer begins with, before the message that says what it holds. */
const MAGIC = Buffer.from('k8s\0');

/** Where the list begins, in the message around it that says what it is (runtime.Unknown), and ends. Throws RangeError. */
function listIn(reader: ProtobufReader, bytes: Buffer): { from: number; end: number } {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw new RangeError('it does not begin as protobuf does');
  for (let at = MAGIC.length; at < bytes.length; ) {
    const field = reader.head(at);
    if (field.number === 2) return field;
    at = field.end;
  }
  throw new RangeError('it holds no list');
}

/** Where the next page begins, by the beginning of a page; '' where there is none, null where it is not told yet. */
export function nextOf(beginning: Buffer): string | null {
  try {
    const reader = new ProtobufReader(beginning);
    const { number, from, end } = reader.head(listIn(reader, beginning).from);
    if (number !== 1) return null;
    const { continue: next } = reader.message(LIST, from, end);
    return typeof next === 'string' ? next : '';
  } catch {
    return null;
  }
}

/** The pods of a whole page, each handed on as it is read. Throws RangeError where it is not whole. */
export function readPods(bytes: Buffer, onPod: (pod: KubernetesObject) => void): void {
  const reader = new ProtobufReader(bytes);
  const list = listIn(reader, bytes);
  reader.each(list.from, list.end, (number, from, end) => {
    if (number === 2) onPod(reader.message(POD, from, end) as unknown as KubernetesObject);
  });
}
