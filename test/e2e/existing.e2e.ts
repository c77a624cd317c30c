import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { listening } from '../support/loopback.ts';
import { loadRecording } from '../support/recordings.ts';
import { startCluster, type TestCluster } from './cluster.ts';
import { load } from './load.ts';
import { report } from './user.ts';

// The Service and the ConfigMap that every API server makes soon after its start, and its own namespaces.
const ofItsOwn =
  /^default,kube-node-lease,kube-public,kube-system\n[^\n]*\n[^\n]*\nkubernetes\n.*kube-apiserver-legacy-service-account/;

const named = process.env.KUBECONFIG_E2E;

describe('a cluster that KUBECONFIG_E2E names', () => {
  const folder = mkdtempSync(join(tmpdir(), 'existing-'));
  let somebodys: TestCluster;
  before(async () => {
    somebodys = await startCluster();
    process.env.KUBECONFIG_E2E = somebodys.kubeconfig;
  });
  after(async () => {
    if (named === undefined) delete process.env.KUBECONFIG_E2E;
    else process.env.KUBECONFIG_E2E = named;
    await somebodys?.close();
    rmSync(folder, { recursive: true });
  });

  const inventory = async (): Promise<string> => {
    const core = ['namespaces', 'nodes', 'pods', 'services', 'configmaps', 'serviceaccounts'].map(
      (kind) => `/api/v1/${kind}`,
    );
    const apps = ['deployments', 'replicasets'].map((kind) => `/apis/apps/v1/${kind}`);
    const paths = [...core, ...apps, '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', '/apis'];
    const answers = await Promise.all(paths.map((path) => somebodys.api('GET', path)));
    return answers
      .map(({ body }) => JSON.parse(body) as { items?: { metadata: { name: string } }[]; groups?: { name: string }[] })
      .map(({ items = [], groups = [] }) => [
        ...items.map(({ metadata }) => metadata.name),
        ...groups.map(({ name }) => name),
      ])
      .map((names) => names.sort().join())
      .join('\n');
  };

  it('is used twice in a row, and left as it was', async () => {
    // An API server answers before it has made all that it makes for itself.
    for (let attempt = 0; attempt < 600 && !ofItsOwn.test(await inventory()); attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const was = await inventory();
    assert.match(was, ofItsOwn);
    for (const name of ['istio-1.0.6/handler-missing', 'istio-0.8.0/healthy']) {
      const cluster = await startCluster();
      let unload = async (): Promise<void> => undefined;
      try {
        unload = await load(cluster, loadRecording(name));
        const { report: found } = await report(cluster.kubeconfig, ['missing-metrics']);
        assert.equal(found.verdict, name.endsWith('healthy') ? 'healthy' : 'broken');
      } finally {
        await unload();
        await cluster.close();
      }
      // A kind is served for a moment after its definition is gone: a busy API server takes its time.
      for (let attempt = 0; attempt < 600 && (await inventory()) !== was; attempt++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      assert.equal(await inventory(), was);
    }
  });

  it('with an Istio of its own is refused, and that is not touched', async () => {
    await somebodys.api('POST', '/api/v1/namespaces', { metadata: { name: 'istio-system', labels: { mine: 'yes' } } });
    const cluster = await startCluster();
    try {
      await assert.rejects(load(cluster, loadRecording('istio-1.0.6/healthy')), /POST \/api\/v1\/namespaces: 409/);
    } finally {
      await cluster.close();
    }
    const { body } = await somebodys.api('GET', '/api/v1/namespaces/istio-system');
    assert.equal((JSON.parse(body) as { metadata: { labels: { mine: string } } }).metadata.labels.mine, 'yes');
  });

  it('that does not answer is one line, and no hang', async () => {
    const silent = createServer((socket) => void socket.on('error', () => undefined).resume());
    silent.unref();
    const port = await listening(silent);
    const kubeconfig = join(folder, 'silent');
    for (const server of ['https://127.0.0.1:1', `https://127.0.0.1:${port}`]) {
      writeFileSync(
        kubeconfig,
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'Config',
          clusters: [{ name: 'c', cluster: { server } }],
          contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
          users: [{ name: 'u', user: { token: 'x' } }],
          'current-context': 'c',
        }),
      );
      const all = join(import.meta.dirname, 'all.ts');
      const env = { ...process.env, KUBECONFIG_E2E: kubeconfig };
      const { status, stderr, stdout } = spawnSync(process.execPath, ['--import', 'tsx', all], {
        env,
        timeout: 60_000,
      });
      assert.deepEqual([status, stdout.toString()], [1, '']);
      assert.match(stderr.toString(), /^error: the cluster of KUBECONFIG_E2E=.* does not answer: .*\n$/);
    }
    await new Promise((resolve) => silent.close(resolve));
  });

  it('without a Go that is new enough is one line that says which', () => {
    const old = join(folder, 'go');
    for (const script of [null, '#!/bin/sh\necho go1.22.3\n']) {
      rmSync(old, { force: true });
      if (script !== null) writeFileSync(old, script, { mode: 0o755 });
      const all = join(import.meta.dirname, 'all.ts');
      const env = { ...process.env, PATH: folder, KUBECONFIG_E2E: '' };
      const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', all], { env, timeout: 60_000 });
      assert.equal(status, 1);
      const here = script === null ? 'none' : 'go1.22.3';
      assert.equal(stderr.toString(), `error: the test cluster is built with Go 1.26 or newer; here is ${here}\n`);
    }
  });
});
