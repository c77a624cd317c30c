/** Whether a hint's command changes something and so may heal, or only shows where to look. */
export type HintKind = 'fix' | 'look';

/** What of `kubectl` changes a cluster, behind the flags that say where. */
const KUBECTL =
  /^kubectl(?: -n \S+| --?[\w-]+=\S+| --overwrite| --all-namespaces)* (?:apply|patch|label|annotate|create|delete|edit|set|scale|rollout restart|replace)(?![\w-])/;

const OTHERS = /^(?:istioctl (?:install|upgrade|tag set|waypoint apply)|helm (?:install|upgrade))(?![\w-])/;

/** Each command of a line, what stands in quotes left out: a shell's separators are letters there. */
function commandsOf(line: string): readonly string[] {
  const unquoted = line.replaceAll(/'[^']*'|"[^"]*"/g, "''").replace(/ # .*$/s, '');
  return unquoted.split(/&&|[|;&]/).map((each) => each.trim());
}

/** `fix` where one of its commands changes something; a comment behind ` # ` is what a person is to decide. */
export const kindOfHint = (hint: string): HintKind =>
  commandsOf(hint).some((command) => KUBECTL.test(command) || OTHERS.test(command)) ? 'fix' : 'look';

/** `kubectl delete KIND`, as one of the commands. */
const DELETES = /(?:^|&& )kubectl(?: -n \S+)* delete (\S+)/;

/** Where a command of a hint ends and its comment begins. */
const COMMENT = '   # ';

/** The hint, with what its command deletes in words: nobody shall paste that without having read it. */
export function saidHint(hint: string): string {
  const [, kind] = DELETES.exec(hint) ?? [];
  if (kind === undefined) return hint;
  const words = /^pods?$/.test(kind)
    ? 'deletes the pod: what owns it makes another'
    : 'deletes for good: keep a copy, with get -o yaml';
  const [command = '', ...comment] = hint.split(COMMENT);
  return `${command}${COMMENT}${[words, ...comment].join('; ')}`;
}
