import { after, before } from 'node:test';
import { loadRecording, type Recording } from '../support/recordings.ts';
import { startCluster, type TestCluster } from './cluster.ts';
import { type LoadOptions, load } from './load.ts';

export interface MeshOptions extends LoadOptions {
  change?: (recording: Recording) => void;
}

/** A cluster that holds a recording, for the tests of one `describe`. */
export function withMesh(name: string, options: MeshOptions | (() => MeshOptions) = {}): () => TestCluster {
  let cluster: TestCluster | undefined;
  let unload = (): Promise<void> => Promise.resolve();
  before(async () => {
    const { change, ...rest } = typeof options === 'function' ? options() : options;
    const recording = loadRecording(name);
    change?.(recording);
    cluster = await startCluster();
    unload = await load(cluster, recording, rest);
  });
  after(async () => {
    try {
      await unload();
    } finally {
      await cluster?.close();
    }
  });
  return () => cluster as TestCluster;
}
