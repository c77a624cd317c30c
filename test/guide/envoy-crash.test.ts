import { logIn, type ProxyLogs } from '../../src/evidence/envoy/logs.ts';
import type { Instance } from '../../src/evidence/kubernetes/pod.ts';
import { envoyDidNotCrash } from '../../src/guide/envoy-crash/crashes.ts';
import { descriptorsSuffice } from '../../src/guide/envoy-crash/descriptors.ts';
import { envoy, silent, told } from '../support/envoys.ts';
import { judging, NOW } from '../support/judging.ts';
import { missing } from '../support/mixer.ts';

const HOUR = 3_600_000;
const at = (ago: number): string => new Date(NOW - ago).toISOString().replace(/\..*/, '');
const logs = (current: string, previous: string | null = null): ProxyLogs => ({
  current: logIn(current),
  previous: previous === null ? null : { got: logIn(previous) },
});
const asked = { envoys: [envoy()], of: 1 };
const ended = (exitCode: number, reason = 'Error', ago = HOUR): Instance => ({
  container: 'istio-proxy',
  ready: true,
  restarts: 2,
  ended: { exitCode, reason, at: NOW - ago },
});
const restarted = (instance: Instance) => [envoy({ instances: [instance] })];

judging(
  envoyDidNotCrash,
  [
    { when: 'nothing happened', given: {}, status: 'pass', says: /^1 proxy not ended in the last day/ },
    {
      when: 'it ran out of descriptors',
      given: { logs: [told(logs(`[${at(HOUR)}Z] [critical][assert] assert failure: fd_ != -1`))] },
      status: 'fail',
      reason: 'DescriptorsExhausted',
      says: /^bookinfo\/reviews ran out/,
    },
    {
      when: 'the last instance did',
      given: {
        logs: [told(logs('', '[critical][assert] assert failure: SOCKET_VALID'))],
        envoys: restarted(ended(134)),
      },
      status: 'fail',
      reason: 'DescriptorsExhausted',
      says: /bookinfo\/reviews/,
    },
    {
      when: 'that was days ago',
      given: { logs: [told(logs(`[${at(50 * HOUR)}Z] [critical][assert] assert failure: fd_ != -1`))] },
      status: 'pass',
      says: /1 proxy/,
    },
    {
      when: 'it was killed for memory',
      given: { envoys: restarted(ended(137, 'OOMKilled')) },
      status: 'fail',
      reason: 'MemoryKilled',
      says: /want of memory/,
    },
    {
      when: 'the agent says so',
      given: { logs: [told(logs('x Envoy may have been out of memory killed'))] },
      status: 'fail',
      reason: 'MemoryKilled',
      says: /was ended/,
    },
    {
      when: 'it crashed',
      given: { logs: [told(logs('[critical][backtrace] Caught Segmentation fault'))] },
      status: 'fail',
      reason: 'EnvoyCrashed',
      says: /crashed/,
    },
    {
      when: 'its code says that it crashed',
      given: { envoys: restarted(ended(139)) },
      status: 'fail',
      reason: 'EnvoyCrashed',
      says: /bookinfo\/reviews crashed/,
    },
    {
      when: 'nothing tells why',
      given: { envoys: restarted(ended(0, 'Completed')) },
      status: 'warn',
      reason: 'ProxyRestarted',
      says: /\(2 restarts\)/,
    },
    {
      when: 'it ended days ago',
      given: { envoys: restarted(ended(139, 'Error', 50 * HOUR)) },
      status: 'pass',
      says: /1 proxy/,
    },
    {
      when: 'exit code 137 is a probe’s',
      given: { envoys: restarted(ended(137)) },
      status: 'warn',
      reason: 'ProxyRestarted',
      says: /2 restarts/,
    },
    {
      when: 'in 1.0 its log reaches back five minutes only',
      given: {
        envoys: [envoy({}, 'istio/proxyv2:1.0.6')],
        logs: [told(logs(`[${at(300_000)}Z] x\n${'y\n'.repeat(5000)}`), envoy({}, 'istio/proxyv2:1.0.6'))],
      },
      status: 'unknown',
      reason: 'LogShort',
      says: /bookinfo\/reviews \(5 minutes\)/,
    },
    {
      when: 'a log may not be read',
      given: { logs: [silent()] },
      status: 'unknown',
      reason: 'Forbidden',
      says: /the log of 1 proxy/,
    },
    { when: 'there is nobody', given: { envoys: [], logs: [] }, status: 'skip', says: /no proxy/ },
  ],
  { envoys: [envoy()], logs: [told(logs('fine'))], asked },
);

const shellless = (image: string) => ({ ...envoy({}, image), said: { missing: missing('BadAnswer') } });
const files = (open: number, soft: number) => [told([{ open, soft, hard: 524_288 }])];

judging(
  descriptorsSuffice,
  [
    {
      when: 'there are plenty',
      given: { descriptors: files(57, 1_048_576) },
      status: 'pass',
      says: /^bookinfo\/reviews has 57 of 1048576 open/,
    },
    {
      when: 'the limit is low',
      given: { descriptors: files(57, 1024) },
      status: 'warn',
      reason: 'LimitLow',
      says: /57 of 1024/,
    },
    {
      when: 'a low limit is 70 % used',
      given: { descriptors: files(800, 1024) },
      status: 'fail',
      reason: 'DescriptorsNearlyGone',
      says: /800 of 1024/,
    },
    {
      when: 'a high limit is 70 % used',
      given: { descriptors: files(15_000, 20_000) },
      status: 'warn',
      reason: 'DescriptorsUsed',
      says: /15000/,
    },
    {
      when: 'a high limit is 90 % used',
      given: { descriptors: files(19_000, 20_000) },
      status: 'fail',
      reason: 'DescriptorsNearlyGone',
      says: /19000/,
    },
    {
      when: 'there is no right to look',
      given: { descriptors: [silent()] },
      status: 'unknown',
      reason: 'Forbidden',
      says: /1 of 1 proxy/,
    },
    {
      when: 'the image has no shell, and the limit is raised',
      given: { descriptors: [shellless('istio/proxyv2:1.31.0-distroless')] },
      status: 'skip',
      says: /from 1\.22 on/,
    },
    {
      when: 'the image has no shell, and nobody raises it',
      given: { descriptors: [shellless('istio/proxyv2:1.20.0-distroless')] },
      status: 'warn',
      reason: 'LimitUnseen',
      says: /may be 1024/,
    },
    { when: 'there is nobody', given: { descriptors: [] }, status: 'skip', says: /no proxy/ },
  ],
  { asked },
);
