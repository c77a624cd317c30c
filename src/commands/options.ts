import { shellWord } from '../cluster/question/shell.ts';
import { type Scope, WORKLOAD_KINDS, type Workload } from '../diagnosis/check.ts';
import { STATUSES, type Status } from '../diagnosis/finding.ts';
import { UsageError } from '../errors.ts';
import { FAIL_ON, type FailOn } from '../report/exit.ts';
import { FORMATS, type Format } from '../report/render.ts';
import { type Arguments, text } from './arguments.ts';
import { prometheusOf } from './prometheus-flags.ts';

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** The longest that a timer of Node can wait: 24 days (ms). */
const LONGEST = 2 ** 31 - 1;

/** `90s`, `1m30s`, `500ms`, `0` in milliseconds, at most LONGEST. A bare number is seconds, as kubectl takes it. */
export function durationOf(text: string, flag: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Math.min(Number(text) * 1000, LONGEST);
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== text) {
    throw new UsageError(`--${flag} takes a duration such as 5s, 1m30s or 0, not ${JSON.stringify(text)}`);
  }
  const sum = parts.reduce((all, [, number, unit]) => all + Number(number) * UNITS[unit as keyof typeof UNITS], 0);
  return Math.min(sum, LONGEST);
}

/** One word of `allowed`; in kubectl's own words when it is none. */
export function oneOf<T extends string>(value: unknown, allowed: readonly T[], flag: string): T {
  const found = allowed.find((each) => each === value);
  if (found !== undefined) return found;
  const given = JSON.stringify(String(value));
  throw new UsageError(
    flag === 'output'
      ? `unable to match a printer suitable for the output format ${given}, allowed formats are: ${allowed.join(', ')}`
      : `--${flag} takes one of ${allowed.join(', ')}, not ${given}`,
  );
}

/** kubectl's formats that take a template. */
const TEMPLATE = /^(jsonpath(?:-as-json|-file)?|go-template(?:-file)?|custom-columns(?:-file)?|template)(?:=(.*))?$/s;

/** A format that is printed; for kubectl's templates the way that jq goes: `first` is the filter where theirs is not jq's too. */
export function formatAmong<T extends string>(value: unknown, allowed: readonly T[], first = '.'): T {
  const [, template, path = ''] = TEMPLATE.exec(String(value)) ?? [];
  if (template === undefined) return oneOf(value, allowed, 'output');
  // `{.lostAt.reason}` is jq's .lostAt.reason: anything else has to be written anew.
  const [, simple] = /^\{?(\.[A-Za-z0-9_.[\]]+)\}?$/.exec(path) ?? [];
  throw new UsageError(
    `-o ${template} is not printed here; jq takes what is wanted from the JSON: the same line, with -o json | jq -r ${shellWord(simple ?? first)}`,
  );
}

export function formatOf(args: Arguments): Format {
  return formatAmong(args.output, FORMATS, topicOf(args) === 'all' ? '.items[].verdict' : '.verdict');
}

/** The command that a line names. */
const topicOf = ({ _: words }: Arguments): unknown => (Array.isArray(words) ? words[0] : 'missing-metrics');

/** The statuses that --only leaves in the output; null for all. JSON is filtered by jq, so that what is kept of a run is whole. */
export function onlyOf(args: Arguments, format: Format): ReadonlySet<Status> | null {
  const given = text(args.only);
  if (given === null) return null;
  const wanted = given.split(',').map((word) => oneOf(word.trim().toLowerCase(), STATUSES, 'only'));
  if (format === 'json' || format === 'yaml')
    throw new UsageError(
      `--only is for what a person reads; jq takes them from the JSON: kubectl istio-diag ${String(topicOf(args))} -o json | jq '.steps[]|select(.status=="${wanted[0]}")'`,
    );
  return new Set(wanted);
}
export const failOnOf = (args: Arguments): FailOn => oneOf(args['fail-on'], FAIL_ON, 'fail-on');

/** A pod, or a workload that has it. */
export interface PodWanted {
  kind: Workload['kind'];
  name: string;
  /** Null for the context's. */
  namespace: string | null;
}

/** kubectl's short names. */
const SHORT: Readonly<Record<string, Workload['kind']>> = {
  svc: 'service',
  deploy: 'deployment',
  sts: 'statefulset',
  ds: 'daemonset',
  po: 'pod',
};

/** The API group of each kind, as in kubectl's `deployment.apps` and `deployment.v1.apps`. */
const GROUP: Readonly<Record<Workload['kind'], string>> = {
  service: '',
  pod: '',
  deployment: 'apps',
  statefulset: 'apps',
  daemonset: 'apps',
  job: 'batch',
};

/** `Deployments`, `deploy`, `deployment.apps`, `deployments.v1.apps`; undefined of a kind that is none. */
function kindOf(word: string): Workload['kind'] | undefined {
  const [, plain = '', version = '', group = ''] =
    /^([^.]*)(?:\.(v\d\w*))?(?:\.([^.]*))?$/.exec(word.toLowerCase()) ?? [];
  const kind = SHORT[plain] ?? WORKLOAD_KINDS.find((each) => [each, `${each}s`].includes(plain));
  if (kind === undefined || (group === '' && version === '')) return kind;
  return GROUP[kind] === group ? kind : undefined;
}

/** Whether a word is a kind of workload, as kubectl's TYPE. */
export const isKind = (word: string): boolean => kindOf(word) !== undefined;

const KIND_NAMES = `${WORKLOAD_KINDS.slice(0, -1).join(', ')} or ${WORKLOAD_KINDS.at(-1)}`;

/** Two words of a command line as one: kubectl takes `deploy reviews` for `deploy/reviews`. */
export function joined(first: string, second: string | null): string {
  if (second === null) return first;
  if (first.includes('/') || kindOf(first) === undefined)
    throw new UsageError(
      `one may be named, KIND/NAME or KIND NAME, and no more words: not ${JSON.stringify(`${first} ${second}`)}`,
    );
  return `${first}/${second}`;
}

/** `service/reviews`, `deploy/reviews-v1`; a bare name is a service's. */
export function workloadOf(text: string, namespace: string): Workload {
  const [first = '', second, ...more] = text.split('/');
  const name = second ?? first;
  const kind = second === undefined ? 'service' : kindOf(first);
  if (!kind || more.length > 0 || !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name))
    throw new UsageError(`a workload is KIND/NAME, of a ${KIND_NAMES}, not ${JSON.stringify(text)}`);
  return { kind, name, namespace };
}

/** `2026-11-22T10:00:00Z`, or seconds since 1970: what the browser's machine shows now. */
function clientOffsetOf(args: Arguments): number {
  const given = text(args['client-time']);
  if (given === null) return 0;
  const time = /^\d+(\.\d+)?$/.test(given) ? Number(given) * 1000 : Date.parse(given);
  if (Number.isFinite(time)) return time - Date.now();
  throw new UsageError(
    `--client-time takes a time such as 2026-11-22T10:00:00Z, or seconds since 1970, not ${JSON.stringify(given)}`,
  );
}

/**
 * `POD`, `pod/POD`, `NAMESPACE/POD`, or `deploy/reviews`: a workload, any of whose pods will do. `namespace` is what -n says, `what`
 * asked for the pod.
 */
export function podOfWord(word: string, namespace: string | null, what: string): PodWanted {
  const [first = '', second] = word.split('/');
  const kind = second === undefined ? 'pod' : kindOf(first);
  // A namespace may be called like a kind: kubectl takes it for the kind too.
  if (kind !== undefined && kind !== 'pod') return { kind, name: workloadOf(word, '').name, namespace };
  const bare = kind === 'pod' && second !== undefined ? word.slice(first.length + 1) : word;
  const [, own, name] = /^(?:([a-z0-9][a-z0-9-]*)\/)?([a-z0-9][a-z0-9.-]*)$/.exec(bare) ?? [];
  if (!name) throw new UsageError(`${what} takes POD, NAMESPACE/POD or KIND/NAME, not ${JSON.stringify(word)}`);
  return { kind: 'pod', name, namespace: own ?? namespace };
}

/** The workload that is named, also behind `--`, in one word. */
function workloadWord(args: Arguments): string | null {
  const behind = Array.isArray(args._) ? args._.slice(1).map(String) : [];
  const [first, second = null, ...more] = [text(args.workload), text(args.name), ...behind].filter(
    (word) => word !== null,
  );
  if (first === undefined) return null;
  if (more.length > 0) throw new UsageError('one workload may be named, KIND/NAME or KIND NAME, and no more words');
  return joined(first, second);
}

function callerOf(word: string, namespace: string | null): NonNullable<Scope['from']> {
  const { kind, ...pod } = podOfWord(word, namespace, '--from');
  if (kind !== 'pod') throw new UsageError(`--from takes one pod, POD or NAMESPACE/POD, not ${JSON.stringify(word)}`);
  return pod;
}

/** The scope of a run. `contextNamespace` is where a workload is looked for without -n, as kubectl does. */
export function scopeOf(args: Arguments, contextNamespace: string): Scope {
  const named = text(args.namespace);
  const all = args['all-namespaces'] === true;
  const workload = workloadWord(args);
  if (named !== null && !/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(named)) {
    throw new UsageError(`${JSON.stringify(named)} cannot be the name of a namespace`);
  }
  if (all && workload !== null) throw new UsageError('a workload lies in one namespace: name it with -n, not -A');
  if (all && named !== null) throw new UsageError('give -n or -A, not both');
  const caller = text(args.from);
  const sample = Number(args.sample ?? 3);
  if (!Number.isInteger(sample) || sample < 0) throw new UsageError('--sample takes a number of proxies, 0 or more');
  return {
    workload: workload === null ? null : workloadOf(workload, named ?? contextNamespace),
    namespace: all ? null : named,
    selector: text(args.selector),
    istioNamespace: text(args['istio-namespace']),
    revision: text(args.revision),
    window: durationOf(text(args.window) ?? '0', 'window'),
    sample,
    prometheus: prometheusOf(args),
    from: caller === null ? null : callerOf(caller, named),
    clientOffset: clientOffsetOf(args),
  };
}
