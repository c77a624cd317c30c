import { isAtLeast } from '../../../src/istio/release.ts';

/** How Envoys of a release write their page, where releases differ. */
export interface Dialect {
  release: string;
  /** One `# TYPE` line for each series, and not for each family: Envoy before 1.15 (envoyproxy/envoy#10073). */
  repeatsTypes: boolean;
  /** Labels of the canonical service and revision. */
  hasCanonical: boolean;
  /** Labels of the cluster: always there since 1.9. */
  hasCluster: boolean;
  /** Whether the agent forwards a scrape to Envoy and adds its own part; its families begin with `istio_agent_`. */
  merges: boolean;
  /** Whether the agent writes `# HELP` of its own families. */
  hasHelp: boolean;
}

export const dialectOf = (release: string): Dialect => ({
  release,
  repeatsTypes: !isAtLeast(release, '1.7'),
  hasCanonical: isAtLeast(release, '1.6'),
  hasCluster: isAtLeast(release, '1.9'),
  merges: isAtLeast(release, '1.6'),
  hasHelp: isAtLeast(release, '1.7'),
});
