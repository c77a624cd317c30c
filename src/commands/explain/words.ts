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
