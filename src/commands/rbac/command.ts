import { UsageError } from '../../errors.ts';
import { type Command, WORD, withFlags } from '../command.ts';
import { COMMANDS } from '../flags.ts';
import { print } from '../io.ts';
import { KUBECTL_FLAGS } from '../kubectl-flags.ts';
import { formatAmong } from '../options.ts';

export const rbacCommand: Command = (io) => ({
  command: 'rbac [topic]',
  describe: COMMANDS.rbac,
  builder: (command) => withFlags(command.positional('topic', { ...WORD, default: 'missing-metrics' }), 'rbac'),
  async handler({ topic, output, missing, ...args }) {
    const id = String(topic);
    const format = formatAmong(output, ['yaml', 'json'] as const);
    if (missing === true) {
      const { missingText } = await import('./missing.ts');
      await print(io.stdout, await missingText(id, args, io, format));
      return;
    }
    const [useless] = [...Object.keys(KUBECTL_FLAGS), 'bundle', 'save-bundle'].filter(
      (name) => args[name] !== undefined,
    );
    if (useless === 'user')
      throw new UsageError(
        `a role names no user: kubectl create clusterrolebinding istio-diag --clusterrole=istio-diag-${id} --user=${String(args.user)}`,
      );
    if (useless !== undefined) throw new UsageError(`--${useless} is for rbac --missing: rbac alone asks no cluster`);
    const { roleText } = await import('./rbac.ts');
    await print(io.stdout, await roleText(id, format));
  },
});
