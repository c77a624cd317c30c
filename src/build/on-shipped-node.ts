// Runs what follows on the Node that the binary carries: what is tested is what ships.
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { runtimeFor } from './runtime.ts';
import { hostTarget } from './targets.ts';

const { program } = await runtimeFor(hostTarget());
const { status } = spawnSync(resolve(program), process.argv.slice(2), { stdio: 'inherit' });
process.exitCode = status ?? 1;
