import { execFileSync } from 'node:child_process';
import { needed } from './programs.ts';

/** What every file of a bundle holds, as one text. */
export const textOf = (bundle: string): string =>
  execFileSync(needed('tar'), ['-xzOf', bundle], { maxBuffer: 2 ** 28 }).toString();
