/** Where a cluster of an Envoy leads. */
export interface Endpoint {
  cluster: string;
  /** `10.244.0.5:9080`, `[fd00::5]:9080`, or the path of a socket. */
  address: string;
  healthy: boolean;
  /** Ejected for its errors. */
  outlier: boolean;
}

/** `outbound|9080||reviews.bookinfo.svc.cluster.local::10.244.0.5:9080::health_flags::healthy`, from 0.8 to today. */
const LINE = /^(.+?)::((?:\[[^\]\n]*\]|[^:[\]\n]+)(?::\d+)?)::health_flags::(.*)$/gm;

/** The endpoints of a page of `/clusters`; null of what is none. */
export function endpointsIn(page: string): readonly Endpoint[] | null {
  if (page.trim() !== '' && !page.includes('::')) return null;
  return [...page.matchAll(LINE)].map(([, cluster = '', address = '', flags = '']) => ({
    cluster,
    address,
    healthy: flags.trim() === 'healthy',
    outlier: flags.includes('failed_outlier_check'),
  }));
}
