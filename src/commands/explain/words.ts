import type { Status } from '../../diagnosis/finding.ts';
import type { VerdictWord } from '../../report/exit.ts';
import { COMMANDS, flagsOf } from '../flags.ts';

/** What a report shows beside its findings, by the word that it has for it. */
export const REPORT_WORDS: Readonly<Record<string, readonly [title: string, text: string]>> = {
  since: [
    'since when metrics are lost',
    'SINCE in the table. When the first sample was missing (at), and when the last one was made (notBefore), by the store’s clock, for the loss and for each of its subjects. It is looked for where something is lost and nowhere else, in at most six range queries: the last six hours, then thirty days coarsely, then closely around the end. Numbers that are wrong rather than missing have no such moment.',
  ],
  undated: [
    'why it is not known since when',
    'The store has no range queries, refuses them, never had a sample as far back as it remembers, or still gets some: its own words say which.',
  ],
  changes: [
    'what was changed around the time when metrics were lost',
    'CHANGED in the table. Objects that were made or changed a day before or a minute after, with who did it (the manager) and the fields that are theirs, by Kubernetes’ managedFields; rollouts, by the ReplicaSets that a Deployment keeps; pods that began; and Events of what was ended, evicted or kept from running. What decides about the hop comes first, then the nearest. What one hand changed within two seconds is one line. That it was changed is all that is said, not that it is the reason. Deletions leave no trace but Events, which live for an hour.',
  ],
  unchanged: [
    'why nothing that was changed is listed, or why there may be more',
    'Nothing was found in that time, or something could not be listed: the right to list Events or ReplicaSets is missing, or the loss is in more than ten namespaces.',
  ],
  ignored: [
    'a failure or warning that --ignore accepts',
    'It is shown and counted, and not in the verdict. What follows from it is ignored too, as far as it explains it: all the pods that it is about. Another failure behind it becomes the loss. What is unknown is never ignored.',
  ],
  baseline: [
    'what differs from the file that --baseline names',
    'Of each finding that follows from no other, and of each object in it: new is what was not found then, known what was, fixed what was looked at again and passed. unknown is what cannot be told: it was not looked at again, another reason is found in its place, or its list of names is cut. unasked is what could not be asked now and could then. --fail-on new fails for what is new, and is inconclusive (3) where something may be.',
  ],
  plan: [
    'what each fix would change, where --plan asks for it',
    'The lines that kubectl diff would show, by kubectl’s own --dry-run=client: nothing is sent to be changed, and what the API server or a webhook would refuse is not known. What is not foreseen is named: a line that opens an editor, deletes, restarts, or runs another program.',
  ],
  hintKind: [
    'what the line to type next does',
    'fix (FIX in the table) changes something: it is meant to heal. look (LOOK) changes nothing: it shows what to decide by. A line that deletes says so behind its #.',
  ],
};

/** What a run concludes. */
const VERDICTS_MEAN: Readonly<Record<VerdictWord, string>> = {
  healthy: 'All that could be judged is well, and all of it could be looked at. Exit 0.',
  broken: 'At least one step failed of its own: lostAt names the first in the flow. Exit 1.',
  error:
    'The command line, a file or the output was at fault: there is no diagnosis, or what was asked for beside it is not there. Exit 2.',
  inconclusive:
    'Nothing failed, and something could not be looked at: not a clean bill of health. unchecked names it. Exit 3, or 0 with --fail-on fail.',
  'not-applicable':
    'There is nothing to judge: no Istio was found, or nothing that the topic or the flags are about. Exit 4.',
  unreachable: 'The cluster could not be asked: no kubectl, no API server, or a login that it refuses. Exit 5.',
};

/** What a step or a check comes to. */
const STATUSES_MEAN: Readonly<Record<Exclude<Status, 'ignored'>, string>> = {
  pass: 'It was looked at, and it is well.',
  warn: 'It works, and something is wrong that may cost something later, or that costs less than what the topic asks for. The verdict stays; --fail-on warn makes the exit code fail.',
  fail: 'It was looked at, and it is broken. causedBy names the step that it follows from, where it follows from one: what is of its own is a cause, and has a CAUSE.',
  unknown:
    'It could not be looked at: a right is missing, nothing answered in time, or the answer was none. It is never taken for well.',
  skip: 'There is nothing to judge: its release has no such thing, or a step before it leaves nothing.',
};

/** Where something gets lost on its way. */
const HOPS_MEAN: Readonly<Record<string, string>> = {
  'envoy->mixer': 'From the proxies to Mixer: their reports.',
  'mixer->adapter': 'In Mixer: from reports, by rules and instances, to the handler of Prometheus.',
  'adapter->prometheus': 'From Mixer’s page of metrics to the store that scrapes it.',
  'workload->proxy':
    'From pods that should be in the mesh to a proxy, or in ambient a ztunnel, that carries their traffic.',
  'proxy->page': 'From what a proxy carries to its page of metrics: what it is told to make, and what it makes.',
  'page->prometheus': 'From the page of a proxy to the store that scrapes it.',
  'prometheus->consumer': 'From the store to those who ask it: Grafana and Kiali.',
};

const entries = (
  means: Readonly<Record<string, string>>,
  title: string,
): Readonly<Record<string, readonly [title: string, text: string]>> =>
  Object.fromEntries(Object.entries(means).map(([word, text]) => [word, [title, text]]));

const EXIT_CODES =
  '0 healthy; 1 broken; 2 the command line, a file or the output is at fault; 3 inconclusive: something could not be looked at; 4 there is nothing to judge; 5 the cluster could not be asked; 130 and 143 ended by Ctrl-C or SIGTERM, with what was found until then. --fail-on moves the line: warn, unknown (by default), fail, new or never. debug --execute ends with kubectl’s own code, and diff with 1 where something differs.';

/** Every flag that a command takes, as --help has it. */
const FLAG_WORDS = Object.fromEntries(
  Object.keys(COMMANDS)
    .reverse()
    .flatMap((command) =>
      Object.entries(flagsOf(command)).map(
        ([name, { describe }]) => [name, [`the flag --${name}`, `${describe}.`]] as const,
      ),
    ),
);

/** All that is explained beside topics, steps, checks and reasons. What a report shows goes before the flag of its name. */
export const WORDS: Readonly<Record<string, readonly [title: string, text: string]>> = {
  ...FLAG_WORDS,
  ...REPORT_WORDS,
  ...entries(VERDICTS_MEAN, 'a verdict'),
  ...entries(STATUSES_MEAN, 'a status'),
  ...entries(HOPS_MEAN, 'a hop'),
  'exit-codes': ['what the exit code says', EXIT_CODES],
};
