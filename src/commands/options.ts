import { type Scope, WORKLOAD_KINDS, type Workload } from '../diagnosis/check.ts';
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

export const formatOf = (args: Arguments): Format => oneOf(args.output, FORMATS, 'output');
export const failOnOf = (args: Arguments): FailOn => oneOf(args['fail-on'], FAIL_ON, 'fail-on');

/** kubectl's short names. */
const SHORT: Readonly<Record<string, Workload['kind']>> = {
  svc: 'service',
  deploy: 'deployment',
  sts: 'statefulset',
  ds: 'daemonset',
  po: 'pod',
};

/** `Deployments`, `deploy`; undefined of a kind that is none. */
const kindOf = (word: string): Workload['kind'] | undefined =>
  SHORT[word.toLowerCase()] ?? WORKLOAD_KINDS.find((kind) => [kind, `${kind}s`].includes(word.toLowerCase()));

/** `service/reviews`, `deploy/reviews-v1`; a bare name is a service's. */
export function workloadOf(text: string, namespace: string): Workload {
  const [first = '', second, ...more] = text.split('/');
  const name = second ?? first;
  const kind = second === undefined ? 'service' : kindOf(first);
  if (!kind || more.length > 0 || !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name)) {
    const kinds = `${WORKLOAD_KINDS.slice(0, -1).join(', ')} or ${WORKLOAD_KINDS.at(-1)}`;
    throw new UsageError(`a workload is KIND/NAME, of a ${kinds}, not ${JSON.stringify(text)}`);
  }
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

/** `POD`, `pod/POD` or `NAMESPACE/POD`; `namespace` is what -n says, `what` asked for the pod. */
export function podOfWord(word: string, namespace: string | null, what: string): NonNullable<Scope['from']> {
  const [, own, name] = /^(?:([a-z0-9][a-z0-9-]*)\/)?([a-z0-9][a-z0-9.-]*)$/.exec(word.replace(/^pods?\//, '')) ?? [];
  if (!name) throw new UsageError(`${what} takes POD or NAMESPACE/POD, not ${JSON.stringify(word)}`);
  return { name, namespace: own ?? namespace };
}

/** The scope of a run. `contextNamespace` is where a workload is looked for without -n, as kubectl does. */
export function scopeOf(args: Arguments, contextNamespace: string): Scope {
  const named = text(args.namespace);
  const all = args['all-namespaces'] === true;
  const workload = text(args.workload);
  if (Array.isArray(args._) && args._.length > 1) throw new UsageError('one workload may be named, and no more words');
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
    from: caller === null ? null : podOfWord(caller, named, '--from'),
    clientOffset: clientOffsetOf(args),
  };
}
