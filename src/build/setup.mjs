// Makes a fresh clone ready: installs what package-lock.json names, unless that has been done already.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';

const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);
const fresh =
  modified('node_modules/.package-lock.json') >= modified('package-lock.json') && existsSync('dist/main.cjs');
if (!fresh) {
  // stdout belongs to the program that runs next (npm start -- -o json | jq).
  const npm = process.env.npm_execpath;
  const [command, ...args] = npm ? [process.execPath, npm, 'ci'] : ['npm', 'ci'];
  const { status } = spawnSync(command, [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: ['ignore', 2, 2],
  });
  process.exitCode = status ?? 1;
} else {
  // The sources may be newer than the bundle made from them.
  const { status } = spawnSync(process.execPath, ['src/build/bundle.mjs'], { stdio: ['ignore', 2, 2] });
  process.exitCode = status ?? 1;
}
