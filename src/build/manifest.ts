import { dump, load } from 'js-yaml';

/** What the manifest tells of a platform's archive. */
export interface Platform {
  os: string;
  arch: string;
  /** `kubectl-istio-diag-v0.1.0-linux-x64.tar.gz`. */
  archive: string;
  /** 64 hexadecimal digits. */
  sha256: string;
  /** The program in the archive. */
  bin: string;
}

/** The krew manifest of a release, from its template. `home` is the project's address, with its releases below. */
export function manifestText(template: string, version: string, home: string, platforms: readonly Platform[]): string {
  const manifest = load(template) as { spec: Record<string, unknown> };
  const archives = platforms.map(({ os, arch, archive, sha256, bin }) => ({
    selector: { matchLabels: { os, arch } },
    uri: `${home}/releases/download/v${version}/${archive}`,
    sha256,
    bin,
  }));
  Object.assign(manifest.spec, { version: `v${version}`, homepage: home, platforms: archives });
  return dump(manifest, { lineWidth: -1 });
}
