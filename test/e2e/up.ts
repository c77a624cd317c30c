import { loadRecording } from '../support/recordings.ts';
import { buildPrograms } from './build.ts';
import { startCluster } from './cluster.ts';
import { load } from './load.ts';

/** `npm run e2e:up -- istio-1.0.6/handler-missing`: a cluster to try by hand. Ctrl-C takes it down, and leaves nothing. */
buildPrograms();
const cluster = await startCluster();
const unload = await load(cluster, loadRecording(process.argv[2] ?? 'istio-1.0.6/handler-missing'));
process.stdout.write(`export KUBECONFIG=${cluster.kubeconfig}\n`);
await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
await unload();
await cluster.close();
