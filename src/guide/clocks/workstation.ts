import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { isSome, skip, sorted, unknown } from '../../diagnosis/verdict.ts';
import { apiServerClock, nodeClocks, prometheusClocks } from '../../evidence/clocks/node-clocks.ts';
import { signed } from './offsets.ts';

const SET_THE_CLOCK =
  'sudo chronyc makestep   # or on a laptop with Docker: restart Docker Desktop; with minikube: minikube ssh "sudo date -u $(date -u +%m%d%H%M%Y.%S)"';

export const workstationNearNodes = defineCheck({
  id: 'workstation-near-nodes',
  title: 'this machine’s clock is the nodes’',
  explains:
    'Spans carry the nodes’ time, and the page that shows them asks for this machine’s last hour. A virtual machine that slept (Docker on a laptop) is hours or days behind. Within two seconds all is well; from thirty on traces are missed.',
  reasons: {
    ClockOff:
      'This machine and the nodes are half a minute or more apart: new spans are filed at another time than you look at.',
    ClockDrifts: 'This machine and the nodes are seconds apart: the newest spans may not show yet.',
  },
  needs: { nodes: attempt(nodeClocks), api: attempt(apiServerClock) },
  judge({ nodes, api }, { scope }) {
    const { got, missing } = sorted('got' in nodes ? nodes.got.map(({ reading }) => reading) : [nodes]);
    // A load balancer may answer for the API server: a node's own clock is better, where one can be read.
    const readings = got.length > 0 ? got : 'got' in api ? [api.got] : [];
    const [first] = [...readings].sort((a, b) => Math.abs(b.offset) - Math.abs(a.offset));
    if (!first)
      return isSome(missing)
        ? unknown(missing)
        : 'missing' in api
          ? unknown([api.missing])
          : skip('nothing tells the time');
    const offset = first.offset - scope.clientOffset;
    const least = Math.abs(offset) - first.error;
    const message = `the ${got.length > 0 ? 'nodes are' : 'API server is'} ${signed(offset)} from ${scope.clientOffset === 0 ? 'this machine' : '--client-time'}`;
    if (Math.abs(offset) >= 30_000) return { status: 'fail', reason: 'ClockOff', message, hint: SET_THE_CLOCK };
    if (least >= 2000) return { status: 'warn', reason: 'ClockDrifts', message, hint: SET_THE_CLOCK };
    return { status: 'pass', message };
  },
});

/** Windows of the dashboards that Istio ships, by release (guide.md e, 3); in seconds. */
const DASHBOARDS: readonly [number, string][] = [
  [300, 'of 0.8 and 1.0, and of extensions (5 min)'],
  [900, 'of services (15 min)'],
  [1800, 'of workloads and performance (30 min)'],
];

export const workstationNearPrometheus = defineCheck({
  id: 'workstation-near-prometheus',
  title: 'this machine’s clock is Prometheus’',
  explains:
    'Grafana asks Prometheus for the browser’s now. Where the browser’s clock is ahead by a dashboard’s whole window, there is nothing to show. Half a minute is what Prometheus’ own page warns of. Of a browser on another machine, --client-time tells the time.',
  reasons: {
    ClockOff:
      'The browser’s clock is five minutes or more from Prometheus’: dashboards with a shorter window are empty.',
    ClockDrifts: 'The browser’s clock is half a minute or more from Prometheus’: the end of each graph is missing.',
  },
  needs: { clocks: attempt(prometheusClocks), api: attempt(apiServerClock) },
  judge({ clocks, api }, { scope }) {
    const { got, missing } = sorted('got' in clocks ? clocks.got.map(({ reading }) => reading) : [clocks]);
    const [first] = [...got].sort((a, b) => Math.abs(b.offset) - Math.abs(a.offset));
    const reading = first ?? (missing.length === 0 && 'got' in api ? api.got : undefined);
    if (!reading)
      return isSome(missing)
        ? unknown(missing)
        : 'missing' in api
          ? unknown([api.missing])
          : skip('nothing tells the time');
    const offset = reading.offset - scope.clientOffset;
    const message = `${first ? 'Prometheus' : 'the API server (there is no Prometheus to ask)'} is ${signed(offset)} from ${scope.clientOffset === 0 ? 'this machine' : '--client-time'}`;
    const seconds = Math.abs(offset) / 1000;
    const blank = DASHBOARDS.filter(([window]) => seconds >= window).map(([, name]) => name);
    if (seconds >= 300)
      return {
        status: 'fail',
        reason: 'ClockOff',
        message: `${message}: dashboards ${blank.join(', ')} are empty`,
        hint: SET_THE_CLOCK,
      };
    if (seconds >= 30) return { status: 'warn', reason: 'ClockDrifts', message, hint: SET_THE_CLOCK };
    return { status: 'pass', message };
  },
});
