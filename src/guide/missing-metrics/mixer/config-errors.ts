import { shellLine } from '../../../cluster/question/shell.ts';
import { type AnyCheck, type Attempt, defineCheck, type Step } from '../../../diagnosis/check.ts';
import { attempt } from '../../../diagnosis/source.ts';
import { count, isSome, skip, sorted, unknown } from '../../../diagnosis/verdict.ts';
import type { Listing } from '../../../evidence/kubernetes/lists.ts';
import { mixerRules, type Rule } from '../../../evidence/mixer/config.ts';
import { firstWords, type Meaning, mixerLogs, quoteLog, SILENT_FAULTS } from '../../../evidence/mixer/log.ts';
import { mixerPages } from '../../../evidence/mixer/pages.ts';
import type { ErrorKind, MixerReading } from '../../../evidence/mixer/reading.ts';
import { metricsActions } from '../../../evidence/mixer/references.ts';
import { provenDispatches } from './dispatches.ts';
import { docsOf } from './docs.ts';
import { handlersLoaded, instancesLoaded, rulesLoaded } from './loaded.ts';
import { readLog } from './shipped.ts';
import { CONFIG_ERRORS, CONFIGURATION } from './steps.ts';

/** One of the guide's counters: what it counts, what it is called, the reason when it is not zero (mixer.md 2.4). */
interface Counter {
  kind: ErrorKind;
  noun: string;
  reason: string;
  explains: string;
  means: string;
  log: readonly Meaning[];
  /** Whether the counters before it may explain it: a broken match also counts as a rule error (mixer.md 2.4). */
  follows?: true;
}

const COUNTERS: readonly Counter[] = [
  {
    kind: 'match',
    noun: 'match error',
    reason: 'MatchErrors',
    explains: 'Rules whose match expression does not compile. The whole rule is skipped.',
    means: 'A rule’s match does not compile, so Mixer skips the rule: what it would send is lost.',
    log: ['MatchUncompiled', 'AttributeUnknown'],
  },
  {
    kind: 'instance',
    noun: 'instance error',
    reason: 'InstanceErrors',
    explains:
      'Instances with an expression that does not type-check, an unknown template, or parameters that do not fit.',
    means: 'Mixer rejected an instance: an expression names an unknown attribute or has the wrong type.',
    log: ['AttributeUnknown', 'InstanceNotBuilt'],
  },
  {
    kind: 'handler-build',
    noun: 'handler build failure',
    reason: 'HandlerBuildFailures',
    explains: 'Handlers whose adapter refused its configuration, or could not open its port.',
    means: 'The adapter refused the handler’s configuration, or could not listen on 42422.',
    log: ['HandlerNotBuilt'],
  },
  {
    kind: 'unsatisfied-handler',
    noun: 'action without a handler',
    reason: 'UnsatisfiedHandlers',
    explains: 'Actions whose handler exists but could not be built.',
    means: 'A handler exists and could not be built, so the actions that use it do nothing.',
    log: ['HandlerNotBuilt'],
    follows: true,
  },
  {
    kind: 'rule',
    noun: 'rule error',
    reason: 'RuleErrors',
    explains:
      'Rules whose match, handler or instances Mixer could not resolve. One missing object makes several errors: these are messages, not broken objects.',
    means: 'Mixer found errors in rules: an unknown handler, an unknown instance, or a match that does not type-check.',
    log: ['HandlerMissing', 'InstanceMissing', 'RuleDropped', 'MatchUncompiled', 'AttributeUnknown'],
    follows: true,
  },
  {
    kind: 'handler-validation',
    noun: 'handler validation error',
    reason: 'HandlerValidationErrors',
    explains:
      'Handlers for adapters out of process that were not found or whose parameters are invalid. Never the built-in Prometheus adapter.',
    means: 'A handler of an adapter out of process is not valid.',
    log: [],
  },
  {
    kind: 'adapter',
    noun: 'adapter info error',
    reason: 'AdapterErrors',
    explains: 'Objects of the kind adapter that Mixer could not read.',
    means: 'An object of the kind adapter is broken.',
    log: [],
  },
  {
    kind: 'template',
    noun: 'template error',
    reason: 'TemplateErrors',
    explains: 'Objects of the kind template that Mixer could not read (1.1 and later).',
    means: 'An object of the kind template is broken.',
    log: [],
  },
];

/** Errors that have nothing to do with metrics for Prometheus: they deserve a look and lose no metric. */
const BESIDE_THE_POINT: ReadonlySet<ErrorKind> = new Set(['handler-validation', 'adapter', 'template']);

const noErrors = ({ kind, noun, reason, explains, means, log, follows }: Counter) =>
  defineCheck({
    id: `no-${kind}-errors`,
    title: `Mixer’s newest configuration has no ${noun}`,
    explains: `${explains} Only the newest configuration counts: the page keeps older ones, with errors long cured.`,
    reasons: { [reason]: means },
    needs: { pages: mixerPages, logs: attempt(mixerLogs), rules: attempt(mixerRules) },
    judge({ pages, logs, rules }, { plane }) {
      const { got, missing } = sorted(
        pages.map(({ pod, reading }) => ('got' in reading ? { got: { pod, ...reading.got } } : reading)),
      );
      const wrong = got.filter(({ errors }) => (errors[kind].count ?? 0) > 0);
      const [first] = wrong;
      if (first) {
        const errors = first.errors[kind].count ?? 0;
        const at = first.configId === null ? '' : ` at configID ${first.configId}`;
        const said = 'got' in logs ? firstWords(logs.got, log) : null;
        const on = pages.length > 1 ? `, on ${wrong.length} of ${pages.length} Mixer pods` : '';
        return {
          status:
            BESIDE_THE_POINT.has(kind) || isOthers(wrong, 'got' in logs ? quoteLog(logs.got, log, 100) : [], rules)
              ? 'warn'
              : 'fail',
          reason,
          message: `${count(errors, noun)}${at}${on}${said && !follows ? `: ${said}` : ''}`,
          evidence: [
            ...wrong.map(({ pod, errors }) => `${pod}: ${errors[kind].metric} ${errors[kind].count}`),
            ...('got' in logs ? quoteLog(logs.got, log) : []),
          ],
          hint: ruleIn(said) ?? readLog(plane, first.pod),
          mayFollowFrom: follows ? [...CONFIGURATION, CONFIG_ERRORS] : CONFIGURATION,
        };
      }
      if (isSome(missing)) return unknown(missing, 'Mixer’s own page could not be read');
      if (got.length === 0) return skip('no Mixer pod runs');
      if (got.every(({ errors }) => errors[kind].count === null)) return skip('this Mixer does not export the counter');
      return { status: 'pass', message: `no ${noun}` };
    },
  });

/**
 * Whether the errors are about other adapters' configuration: metrics are sent all the same, and the log names rules,
 * handlers and instances that have nothing to do with Prometheus. Without such lines they may be anybody's.
 */
function isOthers(wrong: readonly MixerReading[], lines: readonly string[], rules: Attempt<Listing<Rule>>): boolean {
  if ('missing' in rules || lines.length === 0) return false;
  if (wrong.some((reading) => provenDispatches(reading, 0) === 0)) return false;
  const ours = metricsActions(rules.got.items, [], []).flatMap(({ rule, handler, instances }) => [
    rule.name,
    handler.reference,
    ...instances.map(({ reference }) => reference),
  ]);
  return !lines.some((line) => /prometheus/.test(line) || ours.some((name) => line.includes(name)));
}

/** A rule that a line of the log names, `rule='promhttp.rule.istio-system'`: the command that opens it. */
function ruleIn(line: string | null): string | null {
  const [, name, namespace] = /rule='([\w-]+)\.rule\.([\w-]+)'/.exec(line ?? '') ?? [];
  return name && namespace ? shellLine('kubectl', '-n', namespace, 'edit', 'rules.config.istio.io', name) : null;
}

export const errorChecks = COUNTERS.map(noErrors);

export const configLoaded = defineCheck({
  id: 'config-loaded',
  title: 'Mixer has loaded a configuration',
  explains:
    'A Mixer that has never been handed a configuration has no errors either: the newest configID, or its number of rules and attributes, tell whether it has one.',
  reasons: {
    ConfigNotLoaded: 'Mixer runs without any configuration: it cannot reach the API server, or Galley (1.1 and later).',
  },
  needs: { pages: mixerPages },
  judge({ pages }, { plane }) {
    const { got, missing } = sorted(
      pages.map(({ pod, reading }) => ('got' in reading ? { got: { pod, ...reading.got } } : reading)),
    );
    const empty = got.filter((reading) => !reading.configLoaded);
    const [first] = empty;
    if (first) {
      return {
        status: 'fail',
        reason: 'ConfigNotLoaded',
        message: `${count(empty.length, 'Mixer pod')} of ${pages.length} has no configuration yet`,
        evidence: empty.map(
          ({ pod, configId, counts }) =>
            `${pod}: configID ${configId ?? 'none'}, ${counts.rules ?? 0} rules, ${counts.attributes ?? 0} attributes`,
        ),
        hint: readLog(plane, first.pod),
      };
    }
    if (isSome(missing)) return unknown(missing, 'Mixer’s own page could not be read');
    if (got.length === 0) return skip('no Mixer pod runs');
    if (got.every(({ counts }) => counts.rules === null)) return skip('this Mixer does not count its configuration');
    // Beside an error, which another check judges, it must not say that there is none.
    const clean = got.every(({ errors }) => Object.values(errors).every(({ count }) => (count ?? 0) === 0));
    const ids = got.flatMap(({ configId }) => (configId === null ? [] : [configId]));
    return {
      status: 'pass',
      message:
        ids.length > 0
          ? `${clean ? 'no known errors at' : 'loaded:'} configID ${[...new Set(ids)].join(', ')}`
          : `${clean ? 'no known errors' : 'loaded'}; ${got[0]?.counts.rules} rules accepted`,
      evidence: got.flatMap(({ pod, errors }) =>
        Object.values(errors).flatMap(({ metric, count }) => (count === null ? [] : [`${pod}: ${metric} ${count}`])),
      ),
    };
  },
});

export const logQuiet = defineCheck({
  id: 'log-quiet',
  title: 'Mixer’s log tells of no fault that moves no counter',
  explains:
    'Faults that show in the log alone: an adapter that panics, an object that cannot be decoded, a match or dimension that fails while running. The log may be old, so this warns.',
  reasons: { SilentFaults: 'The log tells of faults that no counter shows; compare their times with the last change.' },
  needs: { logs: mixerLogs },
  judge({ logs }, { plane }) {
    const { got, missing } = sorted(logs.map(({ log }) => log));
    const faults = got.flatMap(({ lines }) => lines.filter(({ meaning }) => SILENT_FAULTS.has(meaning)));
    const [first] = faults;
    if (first) {
      return {
        status: 'warn',
        reason: 'SilentFaults',
        message: `the log tells of ${count(faults.length, 'fault')} that no counter shows: ${first.line.replace(/^\S+Z \w+ /, '').slice(0, 90)}`,
        evidence: quoteLog(logs, [...SILENT_FAULTS], 10),
        hint: readLog(plane),
      };
    }
    if (isSome(missing)) return unknown(missing, 'Mixer’s log could not be read');
    return got.length === 0 ? skip('no Mixer pod runs') : { status: 'pass', message: 'no such line in the logs' };
  },
});

export const configErrors: Step = {
  id: CONFIG_ERRORS,
  title: 'Verify there are no known configuration errors',
  hop: 'mixer->adapter',
  docs: docsOf('Verify there are no known configuration errors'),
  checks: [
    configLoaded,
    ...(errorChecks as readonly AnyCheck[]),
    rulesLoaded,
    handlersLoaded,
    instancesLoaded,
    logQuiet,
  ],
};
