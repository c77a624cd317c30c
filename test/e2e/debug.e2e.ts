import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { PRODUCTPAGE } from '../support/modern.ts';
import { BAD_FILTER, type Istio, istioctl, startIstio } from './istio.ts';
import { plugin, started } from './user.ts';

describe('debug, on a real istiod with a real Envoy', () => {
  const folder = mkdtempSync(join(tmpdir(), 'debug-'));
  let istio: Istio;
  before(async () => {
    istio = await startIstio();
    await istio.synced((syncz) => syncz.includes(PRODUCTPAGE));
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await istio?.close();
  });

  const pod = `bookinfo/${PRODUCTPAGE}`;
  const debug = (...words: string[]) => plugin(istio.cluster.kubeconfig, ['debug', ...words]);
  const rowsOf = (text: string): readonly string[] => text.trim().split('\n').slice(1);

  it('shows the clusters, listeners and endpoints that istioctl shows', async () => {
    // What is not there is a dash here and a blank there; an address of a socket has its scheme there.
    const cells = (row: string): readonly string[] => row.trim().split(/ {2,}/);
    // istioctl has words of its own for what leads nowhere and for what passes.
    const destinationIn = (row: string): string =>
      (/(?:Inline Route: .*|Route: \S+|Cluster: \S+|\S+)$/.exec(row.trim())?.[0] ?? '')
        .replace(/^(?:Inline Route|Route: inline).*/, 'inline')
        .replace(/^(?:Cluster|Route): /, '')
        .replace('BlackHoleCluster', 'Non-HTTP/Non-TCP');
    const named: Record<string, (text: string) => readonly string[]> = {
      clusters: (text) =>
        rowsOf(text).map((row) =>
          cells(row)
            .filter((cell) => cell !== '-')
            .slice(0, 3)
            .join(' '),
        ),
      listeners: (text) => rowsOf(text).map((row) => `${/^\S+ +(\d+) /.exec(row)?.[1]} ${destinationIn(row)}`),
      endpoints: (text) => rowsOf(text).map((row) => `${cells(row)[0]?.replace('unix://', '')} ${cells(row).at(-1)}`),
    };
    for (const [kind, of] of Object.entries(named)) {
      const ours = await debug('proxy-config', kind, pod);
      assert.equal(ours.code, 0, ours.stderr);
      const theirs = istioctl(istio.cluster.kubeconfig, 'proxy-config', kind, PRODUCTPAGE, '-n', 'bookinfo');
      const sorted = (text: string): readonly string[] => [...of(text)].sort((a, b) => (a < b ? -1 : 1));
      assert.deepEqual(sorted(ours.stdout), sorted(theirs), `${kind}\n${ours.stdout}\n${theirs}`);
    }
  });

  it('shows the routes that istioctl shows, each once', async () => {
    const names = (text: string): ReadonlySet<string> =>
      new Set(rowsOf(text).map((row) => row.split(/ {2,}/)[0] ?? ''));
    const ours = names((await debug('proxy-config', 'routes', pod)).stdout);
    for (const name of names(
      istioctl(istio.cluster.kubeconfig, 'proxy-config', 'routes', PRODUCTPAGE, '-n', 'bookinfo'),
    ))
      assert.ok(ours.has(name), name);
  });

  it('shows every proxy’s state, as proxy-status does', async () => {
    const { stdout, code } = await debug('sync');
    assert.equal(code, 0);
    assert.match(
      stdout,
      new RegExp(`^${PRODUCTPAGE}\\.bookinfo +SYNCED +SYNCED +SYNCED +SYNCED +istiod-\\S+ +1\\.`, 'm'),
    );
    const { stdout: json } = await debug('sync', PRODUCTPAGE, '-o', 'json');
    assert.equal((JSON.parse(json) as { proxies: unknown[] }).proxies.length, 1);
  });

  it('prints istiod’s pages', async () => {
    for (const page of ['ads', 'eds', 'registry']) {
      const { stdout, code } = await debug('pilot', page, '-o', 'json');
      assert.equal(code, 0, page);
      const [replica] = (JSON.parse(stdout) as { replicas: { page: unknown }[] }).replicas;
      assert.equal(typeof replica?.page, 'object', page);
    }
  });

  it('finds no difference, and then what Envoy refused', async () => {
    const same = await debug('diff', pod);
    assert.match(same.stdout, /has what istiod-\S+ sent: \d+ clusters, \d+ listeners, \d+ routes\.\n$/);
    istio.apply(BAD_FILTER);
    await istio.synced((syncz) => syncz.includes('lastError'));
    const { stdout, code } = await debug('diff', pod);
    assert.equal(code, 0);
    assert.match(stdout, /^listeners +virtualInbound +refused by Envoy +.*script load error/m);
    istio.remove('envoyfilter', 'bad', 'bookinfo');
  });

  it('prints lines that the API server takes', async () => {
    const names: string[] = [];
    for (const tool of ['tcpdump', 'gdb']) {
      const { stdout, code } = await debug(tool, pod);
      assert.equal(code, 0);
      const line = stdout.trim().split('\n').at(-1) ?? '';
      assert.match(line, /^kubectl debug -n bookinfo /);
      // Nobody runs containers here: it is not waited for.
      const added = await started('bash', ['-c', line.replace(' -it ', ` --attach=false --container=${tool} `)], {
        KUBECONFIG: istio.cluster.kubeconfig,
      });
      assert.equal(added.code, 0, added.stderr);
      names.push(tool);
    }
    const { body } = await istio.cluster.api('GET', `/api/v1/namespaces/bookinfo/pods/${PRODUCTPAGE}`);
    const { ephemeralContainers } = (
      JSON.parse(body) as {
        spec: { ephemeralContainers: { name: string; securityContext: { capabilities: { add: string[] } } }[] };
      }
    ).spec;
    assert.deepEqual(
      ephemeralContainers.map(({ name }) => name),
      names,
    );
    assert.deepEqual(ephemeralContainers[0]?.securityContext.capabilities.add.sort(), ['NET_ADMIN', 'NET_RAW']);
    assert.deepEqual(ephemeralContainers[1]?.securityContext.capabilities.add, ['SYS_PTRACE']);
  });

  it('says what the pod security of a namespace refuses, as the API server then does', async () => {
    await istio.cluster.api('PATCH', '/api/v1/namespaces/bookinfo', {
      metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'baseline' } },
    });
    const { stdout } = await debug('tcpdump', pod);
    assert.match(stdout, /enforces the pod security level baseline/);
    const line = stdout.trim().split('\n').at(-1) ?? '';
    const refused = await started('bash', ['-c', line.replace(' -it ', ' --attach=false ')], {
      KUBECONFIG: istio.cluster.kubeconfig,
    });
    assert.match(refused.stderr, /violates PodSecurity/);
    await istio.cluster.api('PATCH', '/api/v1/namespaces/bookinfo', {
      metadata: { labels: { 'pod-security.kubernetes.io/enforce': null } },
    });
  });

  it('--execute says what it adds, and hands kubectl the line', async () => {
    const wrapper = join(folder, 'kubectl');
    const calls = join(folder, 'calls');
    const real = (await started('bash', ['-c', 'command -v kubectl'], {})).stdout.trim();
    writeFileSync(
      wrapper,
      `#!/bin/sh\n[ "$1" = debug ] || exec '${real}' "$@"\nprintf '%s\\n' "$*" >>'${calls}'\nexit 7\n`,
    );
    chmodSync(wrapper, 0o755);
    const ended = await plugin(istio.cluster.kubeconfig, ['debug', 'tcpdump', pod, '--execute'], undefined, {
      KUBECTL_PATH: wrapper,
    });
    assert.equal(ended.code, 7);
    assert.match(ended.stderr, /^# This adds a container to pod /);
    assert.match(
      readFileSync(calls, 'utf8'),
      /^debug -n bookinfo \S+ -it --profile=netadmin --image=\S+ -- tcpdump -i any .*port 9080 and not port 15000\n$/,
    );
  });

  it('takes the rights that `rbac debug` prints, and no more', async () => {
    const { cluster } = istio;
    const line = 'set -o pipefail; kubectl istio-diag rbac debug | kubectl apply -f -';
    assert.equal((await started('bash', ['-c', line], { KUBECONFIG: cluster.kubeconfig })).code, 0);
    const path = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
    await cluster.api('POST', path, {
      metadata: { name: 'istio-diag-debug-e2e' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'istio-diag-debug' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'sre' }],
    });
    try {
      for (const words of [
        ['sync'],
        ['diff', pod],
        ['proxy-config', 'endpoints', pod],
        ['pilot', 'registry'],
        ['tcpdump', pod],
      ]) {
        const { code, stdout, stderr } = await plugin(cluster.kubeconfigOfUser, ['debug', ...words]);
        assert.equal(code, 0, `${words.join(' ')}: ${stderr}`);
        assert.doesNotMatch(stdout, /Which pod security level/, stderr);
      }
    } finally {
      await cluster.api('DELETE', `${path}/istio-diag-debug-e2e`, undefined, [200]);
    }
  });

  it('without rights is one line, with the right that is missing', async () => {
    const { stderr, code } = await plugin(istio.cluster.kubeconfigOfUser, ['debug', 'proxy-config', 'clusters', pod]);
    assert.equal(code, 3);
    assert.match(stderr, /^error: no answer to `kubectl -n bookinfo get pods .*`: .*cannot get resource "pods"/);
  });
});
