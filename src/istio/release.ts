/** Whether release `version` is `minor` or newer: `isAtLeast('1.10.2', '1.5')`. */
export function isAtLeast(version: string, minor: string): boolean {
  const [major = 0, second = 0] = version.split('.').map(Number);
  const [wantMajor = 0, wantSecond = 0] = minor.split('.').map(Number);
  return major > wantMajor || (major === wantMajor && second >= wantSecond);
}

/** The Deployment of an istiod: each revision but the default one has its own (manifests/charts/istio-control). */
export const istiodOf = (revision: string | null): string =>
  revision === null || revision === 'default' ? 'istiod' : `istiod-${revision}`;
