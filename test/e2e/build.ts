import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** Where the built programs lie: beside the bundle, out of git's sight. */
export const BIN = join(import.meta.dirname, '../../dist/e2e');

/** Each program is built from a small Go module of its own, pinned by its go.sum. */
const PROGRAMS = [
  { name: 'etcd', module: 'etcd', from: 'go.etcd.io/etcd/server/v3' },
  { name: 'kube-apiserver', module: 'kubernetes', from: 'k8s.io/kubernetes/cmd/kube-apiserver' },
  { name: 'kwok', module: 'kwok', from: 'sigs.k8s.io/kwok/cmd/kwok' },
  { name: 'krew', module: 'krew', from: 'sigs.k8s.io/krew/cmd/krew' },
  { name: 'validate-krew-manifest', module: 'krew', from: 'sigs.k8s.io/krew/cmd/validate-krew-manifest' },
] as const;

/** kubernetes' go.mod asks for it. */
const GO = { major: 1, minor: 26 };

/** The version that a kube-apiserver of the module tells. */
const VERSION = '1.36.3';

function assertGo(): void {
  // Asked in the module: a Go that is older gets itself the one that go.mod asks for.
  const said =
    spawnSync('go', ['env', 'GOVERSION'], { cwd: join(import.meta.dirname, 'go/kubernetes') })
      .stdout?.toString()
      .trim() ?? '';
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(said) ?? [];
  if (Number(major) === GO.major && Number(minor) >= GO.minor) return;
  throw new Error(`the test cluster is built with Go ${GO.major}.${GO.minor} or newer; here is ${said || 'none'}`);
}

/** Builds what is missing: 6 minutes on two cores the first time, 2 s after. Throws one line when it cannot. */
export function buildPrograms(): void {
  assertGo();
  mkdirSync(BIN, { recursive: true });
  const versions = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((path) => {
    const [gitMajor, gitMinor] = VERSION.split('.');
    const values = { gitVersion: `v${VERSION}`, gitMajor, gitMinor, gitTreeState: 'clean' };
    return Object.entries(values).map(([name, value]) => `-X ${path}.${name}=${value}`);
  });
  for (const { name, module, from } of PROGRAMS) {
    const flags = module === 'kubernetes' ? ['-s', '-w', ...versions] : ['-s', '-w'];
    const { status } = spawnSync('go', ['build', '-ldflags', flags.join(' '), '-o', join(BIN, name), from], {
      cwd: join(import.meta.dirname, 'go', module),
      env: { ...process.env, GOFLAGS: '-mod=readonly -trimpath', CGO_ENABLED: '0', GOWORK: 'off' },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (status !== 0 || !existsSync(join(BIN, name))) throw new Error(`${name} could not be built`);
  }
}
