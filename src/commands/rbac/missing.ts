import { NoAnswer, type Unanswered, UsageError } from '../../errors.ts';
import { type Data, dataText } from '../../report/data.ts';
import type { Unchecked } from '../../report/document.ts';
import type { Arguments } from '../arguments.ts';
import { look, reportsOf } from '../diagnose/look.ts';
import { startSpinner } from '../diagnose/spinner.ts';
import type { Io } from '../io.ts';
import { openSession } from '../session.ts';
import { entriesOf, rulesOf } from './rbac.ts';

/** The rights that a run of a topic, or of all, was refused: it asks the cluster. Throws NoAnswer where that cannot be reached. */
export async function missingText(id: string, args: Arguments, io: Io, format: Data): Promise<string> {
  if (id === 'debug') throw new UsageError('--missing runs a topic, or all: debug judges nothing');
  const entries = entriesOf(id);
  const session = await openSession(args, io);
  try {
    const topics = await Promise.all(entries.map((entry) => entry.load()));
    const looking = { topics, args, io, failOn: 'unknown', ignores: [], baselines: [] } as const;
    const spinner = startSpinner(io, { quiet: true, ascii: true });
    const found = await look(looking, session, session.startedAt, spinner, new Map());
    const reports = reportsOf(looking, found);
    // Whoever could ask nothing lacks no right that anybody knows of.
    const [unasked] = reports.some(({ verdict }) => verdict === 'unreachable')
      ? found.found.flatMap(({ unsearched }) => unsearched)
      : [];
    if (unasked) throw new NoAnswer(unasked);
    return await rolesText(
      id,
      reports.flatMap(({ unchecked }) => unchecked),
      format,
    );
  } finally {
    await session.close();
  }
}

/** As RBAC names it. */
type Right = Unanswered['right'];

const isRefused = ({ reason }: Unchecked): boolean => reason === 'Forbidden';

/** A ClusterRole for what was refused everywhere, and a Role for each namespace in which something was. */
async function rolesText(id: string, unchecked: readonly Unchecked[], format: Data): Promise<string> {
  const rights = unchecked
    .filter(isRefused)
    .map(({ verb, resource, namespace }): Right => ({ verb: verb as Right['verb'], resource, namespace }));
  const places = [...new Set(rights.map(({ namespace }) => namespace))];
  const roles = places.map((namespace) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: namespace === null ? 'ClusterRole' : 'Role',
    metadata: { name: `istio-diag-${id}-missing`, ...(namespace !== null && { namespace }) },
    rules: rulesOf(rights.filter((right) => right.namespace === namespace)),
  }));
  if (format === 'json') return dataText({ apiVersion: 'v1', kind: 'List', items: roles }, format);
  if (roles.length === 0) return '# This run lacked no right.\n';
  const documents = await Promise.all(roles.map((role) => dataText(role, format)));
  return `# The rights that a run of ${id} was refused.\n${documents.map((text) => `---\n${text}`).join('')}`;
}
