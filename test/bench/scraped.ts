import type { TestCluster } from '../e2e/cluster.ts';
import { load } from '../e2e/load.ts';
import { startScraping } from '../support/mesh/scraping.ts';
import type { Mesh } from '../support/meshes.ts';

/** Loads a mesh of today into a cluster, with a real Prometheus behind its Prometheus pod. Resolves to what ends both. */
export async function loadScraped(
  cluster: TestCluster,
  { recording, plan }: Pick<Mesh, 'recording' | 'plan'>,
): Promise<() => Promise<void>> {
  const scraping = await startScraping(recording, plan);
  try {
    const forwards = new Map([[`${plan.pod}:${plan.port}`, scraping.port]]);
    const unload = await load(cluster, recording, { forwards });
    return async () => {
      await unload();
      await scraping.close();
    };
  } catch (error) {
    await scraping.close();
    throw error;
  }
}
