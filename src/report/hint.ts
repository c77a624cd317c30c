import { shellCommandsOf } from './shell-words.ts';

/** Whether a hint's command changes something and so may heal, or only shows where to look. */
export type HintKind = 'fix' | 'look';

/** What of each program changes something. */
const CHANGES: Readonly<Record<string, RegExp>> = {
  kubectl: /^(?:apply|patch|label|annotate|create|delete|edit|set|scale|rollout restart|replace)(?: |$)/,
  istioctl: /^(?:install|upgrade|tag set|waypoint apply)(?: |$)/,
  helm: /^(?:install|upgrade)(?: |$)/,
};

/** A command without its program, and without the flags before its verb. */
export function verbsOf([, ...words]: readonly string[]): readonly string[] {
  const [first = ''] = words;
  if (first === '-n') return verbsOf(words.slice(1));
  return first.startsWith('-') ? verbsOf(words) : words;
}

/** `fix` where one of its commands changes something; a comment behind ` # ` is what a person is to decide. */
export const kindOfHint = (hint: string): HintKind =>
  shellCommandsOf(hint).some(({ words }) => CHANGES[words[0] ?? '']?.test(verbsOf(words).join(' '))) ? 'fix' : 'look';

/** Where a command of a hint ends and its comment begins. */
const COMMENT = '   # ';

/** The hint, with what its command deletes in words: nobody shall paste that without having read it. */
export function saidHint(hint: string): string {
  const deleting = shellCommandsOf(hint).find(({ words }) => words[0] === 'kubectl' && verbsOf(words)[0] === 'delete');
  if (!deleting) return hint;
  const [, kind = ''] = verbsOf(deleting.words);
  const said = /^pods?$/.test(kind)
    ? 'deletes the pod: what owns it makes another'
    : 'deletes for good: keep a copy, with get -o yaml';
  const [command = '', ...comment] = hint.split(COMMENT);
  return `${command}${COMMENT}${[said, ...comment].join('; ')}`;
}
