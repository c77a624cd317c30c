import type { Argv, CommandModule } from 'yargs';
import { flagsOf } from './flags.ts';
import type { Io } from './io.ts';
import { KUBECTL_FLAGS } from './kubectl-flags.ts';

/** What the program is called. */
export const NAME = 'kubectl istio-diag';

/**
 * What yargs knows of a command: its words, and how it is run. `exit` takes the exit code: it is 0 where none is given. The
 * code of a command is loaded when it is run.
 */
export type Command = (io: Io, exit: (code: number) => void) => CommandModule;

/** A word of a command line that is no flag. */
export const WORD = { type: 'string' } as const;

/** Adds the flags of a command that asks a cluster: kubectl's, and its own. */
export const withFlags = (command: Argv, name: string): Argv => command.options(KUBECTL_FLAGS).options(flagsOf(name));
