import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe } from 'node:test';
import type { ExecQuestion, PageQuestion } from '../../src/cluster/question/question.ts';
import { textOf } from '../../src/cluster/question/text.ts';
import { Overdue } from '../../src/cluster/ways/deadline.ts';
import { startKubectl } from '../../src/cluster/ways/kubectl.ts';
import { endAllOf } from '../../src/cluster/ways/kubectl-process.ts';
import { type LiveCluster, liveCluster } from '../../src/cluster/ways/live.ts';
import { execProxyArguments, proxyArguments } from '../../src/cluster/ways/proxy.ts';
import { makeScratch } from '../../src/cluster/ways/scratch.ts';
import { NoAnswer } from '../../src/errors.ts';
import { it } from '../support/programs.ts';
import type { RecordedObject } from '../support/recordings.ts';
import type { StandInOptions } from '../support/stand-in.ts';
import { withStandIn } from '../support/standing.ts';

const question = (pod: string, run: ExecQuestion['run'] = 'descriptors'): ExecQuestion => ({
  ask: 'exec',
  namespace: 'bookinfo',
  pod,
  container: 'istio-proxy',
  run,
});

const PAGE: PageQuestion = {
  ask: 'page',
  namespace: 'istio-system',
  pod: 'istio-telemetry-gb257cd5hf-43880',
  port: 9093,
  path: '/metrics',
};

const PRINTED = 'Max open files            1024                 524288               files\nopen 57\n';
const prints = new Map([
  ['bookinfo/one/istio-proxy', { output: PRINTED, code: 0 }],
  ['bookinfo/two/istio-proxy', { output: '', code: 0 }],
  ['bookinfo/ends/istio-proxy', { output: 'half', code: 126 }],
  ['bookinfo/breaks/istio-proxy', { output: 'half', code: null }],
  ['bookinfo/prints/istio-proxy', { output: 'x'.repeat(1024 * 1024 + 1), code: 0 }],
  ['bookinfo/pours/istio-proxy', { output: 'x'.repeat(16 * 1024 * 1024 + 1), code: 0 }],
]);

const PODS = ['one', 'two', 'ends', 'nothing', 'prints'];

/** kubectl exec looks at a pod first. */
const podOf = (name: string): RecordedObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'bookinfo' },
  spec: { containers: [{ name: 'istio-proxy' }] },
  status: { phase: 'Running' },
});

/** A kubectl that was started. */
interface Started {
  pid: number;
  args: string;
}

const isRunning = ({ pid }: Started): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

async function until(is: () => boolean, what: string): Promise<void> {
  for (let attempt = 0; !is(); attempt++) {
    assert.ok(attempt < 200, what);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Runs `use` on a stand-in; each kubectl that it starts is noted by its first word. `before` is shell that it runs first. */
async function withLive(
  use: (
    live: LiveCluster,
    kubectls: () => string[],
    requests: string[],
    more: { started: () => Started[]; run: AbortController },
  ) => Promise<void>,
  options: StandInOptions = {},
  before = '',
): Promise<void> {
  await withStandIn(
    'istio-1.0.6/healthy',
    async ({ requests }, { KUBECONFIG }) => {
      const folder = mkdtempSync(join(tmpdir(), 'kubectl-'));
      const [calls, program] = [join(folder, 'calls'), join(folder, 'kubectl')];
      writeFileSync(calls, '');
      // The real one is the next on the PATH.
      const note = `echo "$$ $*" >>'${calls}'; count=$(wc -l <'${calls}')`;
      const next = `PATH="\${PATH#*${delimiter}}" exec kubectl "$@"`;
      writeFileSync(program, `#!/bin/sh\n${note}\n${before}\n${next}\n`);
      chmodSync(program, 0o755);
      const scratch = makeScratch();
      const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` };
      const kubectl = { program, flags: [`--kubeconfig=${KUBECONFIG}`], env };
      const run = new AbortController();
      const live = liveCluster({ kubectl, patience: { request: 3000, run: run.signal }, scratch });
      const started = (): Started[] =>
        [...readFileSync(calls, 'utf8').matchAll(/^(\d+) (.*)$/gm)].map(([, pid, args = '']) => ({
          pid: Number(pid),
          args,
        }));
      const kubectls = (): string[] => started().map(({ args }) => args.split(' ')[0] ?? '');
      try {
        await use(live, () => kubectls().sort(), requests, { started, run });
      } finally {
        await live.close();
        await endAllOf(kubectl);
        scratch.remove();
        rmSync(folder, { recursive: true });
      }
    },
    { prints, change: ({ objects }) => void objects.push(...[...PODS, 'pours'].map(podOf)), ...options },
  );
}

const said = async (live: LiveCluster, pod: string, run?: ExecQuestion['run']): Promise<string> => {
  try {
    return await textOf(question(pod, run), await live.read(question(pod, run)));
  } catch (error) {
    assert.ok(error instanceof NoAnswer, String(error));
    return `${error.unanswered.hindrance}: ${error.unanswered.words}`;
  }
};

const ANSWERS: readonly (string | RegExp)[] = [
  PRINTED,
  '',
  'BadAnswer: command terminated with exit code 126',
  /^BadAnswer: .*executable file not found/,
  'TooLarge: it printed more than 1 MB',
];

async function assertAnswers(live: LiveCluster): Promise<void> {
  const answers = await Promise.all(PODS.map((pod) => said(live, pod)));
  for (const [index, wanted] of ANSWERS.entries()) {
    if (typeof wanted === 'string') assert.equal(answers[index], wanted);
    else assert.match(answers[index] ?? '', wanted);
  }
}

describe('programs in containers', () => {
  it('take one more kubectl, however many there are', async () => {
    await withLive(async (live, kubectls, requests) => {
      await assertAnswers(live);
      assert.deepEqual(kubectls(), ['proxy', 'proxy']);
      const execs = requests.filter((each) => each.startsWith('EXEC'));
      assert.deepEqual(execs.sort(), PODS.map((pod) => `EXEC bookinfo/${pod}/istio-proxy sh -c`).sort());
    });
  });

  it('have a proxy that ends with the last of them', async () => {
    await withLive(async (live, kubectls, _, { started }) => {
      await assertAnswers(live);
      const [gateway, proxy] = started() as [Started, Started];
      await until(() => !isRunning(proxy), 'it runs still');
      assert.ok(isRunning(gateway));
      assert.equal(await said(live, 'one'), PRINTED);
      assert.deepEqual(kubectls(), ['proxy', 'proxy', 'proxy']);
      assert.match(started()[2]?.args ?? '', /--accept-paths=\^\/api\/v1\/namespaces\/bookinfo\/pods\/one\/exec\$ /);
    });
  });

  it('are run by kubectl exec where that is refused, with the same answers', async () => {
    await withLive(
      async (live, kubectls) => {
        await assertAnswers(live);
        assert.deepEqual(
          kubectls().filter((each) => each === 'exec'),
          PODS.map(() => 'exec'),
        );
      },
      { refusesTunnels: true },
    );
  });

  it('print a page of metrics that is longer than all else, up to a limit', async () => {
    await withLive(async (live) => {
      assert.equal((await said(live, 'prints', 'metrics')).length, 1024 * 1024 + 1);
      assert.equal(await said(live, 'pours', 'metrics'), 'TooLarge: it printed more than 16 MB');
    });
    await withLive(async (live) => assert.equal((await said(live, 'prints', 'metrics')).length, 1024 * 1024 + 1), {
      refusesTunnels: true,
    });
  });

  it('give no half answer where the connection breaks', async () => {
    await withLive(async (live) =>
      assert.equal(await said(live, 'breaks'), 'BadAnswer: the connection broke before the program had ended'),
    );
  });

  it('start no kubectl that they do not need', async () => {
    await withLive(async (live, kubectls) => {
      await live.start();
      assert.deepEqual(kubectls(), ['proxy']);
    });
  });

  it('are refused with the right that is missing', async () => {
    await withLive(
      async (live) => {
        const error: unknown = await live.read(question('one')).then(
          () => assert.fail('it ran'),
          (thrown: unknown) => thrown,
        );
        assert.ok(error instanceof NoAnswer);
        const { hindrance, right } = error.unanswered;
        assert.deepEqual(
          [hindrance, right],
          ['Forbidden', { verb: 'create', resource: 'pods/exec', namespace: 'bookinfo' }],
        );
      },
      { faults: [{ match: /^UPGRADE .*\/exec$/, fault: 'forbid' }] },
    );
  });

  it('that never end are a timeout', async () => {
    await withLive(async (live) => assert.match(await said(live, 'one'), /^TimedOut: no answer within 3s/), {
      faults: [{ match: /^UPGRADE .*\/exec$/, fault: 'stall' }],
    });
  });

  it('that never end are waited for once, where a page has come through a tunnel', async () => {
    await withLive(
      async (live, kubectls) => {
        await textOf(PAGE, await live.read(PAGE));
        assert.match(await said(live, 'one'), /^TimedOut: no answer within 3s/);
        assert.deepEqual(kubectls(), ['proxy', 'proxy']);
      },
      { faults: [{ match: /^UPGRADE .*\/exec$/, fault: 'stall' }] },
    );
  });

  it('are run by kubectl exec, and no tunnel is waited for, where a page has waited for one in vain', async () => {
    await withLive(
      async (live, kubectls) => {
        await textOf(PAGE, await live.read(PAGE));
        assert.equal(await said(live, 'one'), PRINTED);
        assert.deepEqual(kubectls(), ['exec', 'port-forward', 'proxy']);
      },
      { faults: [{ match: /^UPGRADE .*\/portforward$/, fault: 'stall', times: 1 }] },
    );
  });

  it('that a run does not wait for start no other kubectl', async () => {
    await withLive(
      async (live, kubectls, _, { run }) => {
        await live.start();
        const answer = said(live, 'one');
        await until(() => kubectls().length === 2, 'no proxy is started');
        run.abort(new Overdue('TimedOut', 'no answer within the run’s --timeout'));
        assert.equal(await answer, 'TimedOut: no answer within the run’s --timeout');
        assert.deepEqual(kubectls(), ['proxy', 'proxy']);
      },
      {},
      '[ "$count" -lt 2 ] || sleep 30',
    );
  });

  const EXEC = '/api/v1/namespaces/bookinfo/pods/one/exec';
  const OF_POD = EXEC.replace('one', 'o.e');
  for (const [what, argumentsOf, refused] of [
    [
      'their proxy',
      (socketPath: string) => execProxyArguments(socketPath, [{ namespace: 'bookinfo', pod: 'o.e' }]),
      ['GET /api/v1/pods', 'GET /api/v1/secrets', `POST ${OF_POD}`, `GET ${OF_POD}/x`, `GET ${EXEC}`],
    ],
    ['the gateway', proxyArguments, [`GET ${EXEC}`, `POST ${EXEC}`, 'GET /api/v1/secrets', 'POST /api/v1/pods']],
  ] as const) {
    it(`are not all that could be asked: ${what} refuses the rest`, async () => {
      await withStandIn('istio-1.0.6/healthy', async ({ requests }, { KUBECONFIG }) => {
        const scratch = makeScratch();
        const socketPath = scratch.path('s');
        const kubectl = { program: 'kubectl', flags: [`--kubeconfig=${KUBECONFIG}`], env: process.env };
        const proxy = await startKubectl(kubectl, argumentsOf(socketPath));
        try {
          await once(proxy.stdout, 'data');
          for (const each of refused) {
            const [method = '', path = ''] = each.split(' ');
            const [answer] = (await once(
              request({ socketPath, method, path, headers: { host: 'localhost' } }).end(),
              'response',
            )) as [IncomingMessage];
            answer.resume();
            assert.equal(answer.statusCode, 403, each);
          }
          assert.ok(!requests.some((each) => /pods|secrets/.test(each)), requests.join('\n'));
        } finally {
          await proxy.end();
          scratch.remove();
        }
      });
    });
  }
});
