// Writes package-lock.json for every platform and every registry (CONTRIBUTING.md, "Dependencies"): without addresses,
// and with the packages of other platforms, which npm leaves out where its registry does not have them.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';

const FILE = 'package-lock.json';
const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const PROCESSORS = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

rmSync(FILE, { force: true });
const flags = ['--package-lock-only', '--ignore-scripts', '--omit-lockfile-registry-resolved=false'];
const { status } = spawnSync('npm', ['install', ...flags], { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);

const lock = JSON.parse(readFileSync(FILE, 'utf8'));
for (const entry of Object.values(lock.packages)) delete entry.resolved;
for (const parent of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const words = name.split(/[/-]/);
    const os = SYSTEMS.filter((system) => words.includes(system));
    const cpu = PROCESSORS.filter((processor) => words.includes(processor));
    if (lock.packages[`node_modules/${name}`] || !/^\d/.test(version) || os.length + cpu.length === 0) continue;
    const libc = words.some((word) => word.startsWith('musl')) ? { libc: ['musl'] } : {};
    lock.packages[`node_modules/${name}`] = {
      version,
      cpu,
      dev: parent.dev,
      license: 'MIT',
      optional: true,
      os,
      ...libc,
    };
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
