import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  DEFAULT_SETTINGS,
  type Injectable,
  type InjectorSettings,
  outcomeOf,
  refusalOf,
} from '../../src/istio/injection.ts';
import { injecting, inside, webhook } from '../support/injection.ts';

const pod = (change: Partial<Injectable> = {}): Injectable => ({
  namespace: 'shop',
  labels: {},
  annotations: {},
  hostNetwork: false,
  ...change,
});
const says = (label: string | null, annotation: string | null = null): Injectable =>
  pod({
    labels: label === null ? {} : { 'sidecar.istio.io/inject': label },
    annotations: annotation === null ? {} : { 'sidecar.istio.io/inject': annotation },
  });

describe('the webhooks that are called for a pod', () => {
  const all = [...injecting(), ...injecting('canary'), ...injecting('canary', { tag: 'prod' })];
  const revision = { 'istio.io/rev': 'canary' };
  const asks = { 'sidecar.istio.io/inject': 'true' };
  const cases: readonly [when: string, namespace: Record<string, string>, labels: Record<string, string>, string[]][] =
    [
      ['nobody asks', {}, {}, []],
      ['the namespace does', { 'istio-injection': 'enabled' }, {}, ['namespace']],
      ['it does, in a word that means nothing', { 'istio-injection': 'true' }, asks, []],
      ['it refuses, and the pod asks', { 'istio-injection': 'disabled' }, asks, []],
      ['it names a revision', revision, {}, ['rev.namespace']],
      ['it names a tag', { 'istio.io/rev': 'prod' }, {}, ['rev.namespace']],
      ['it names a tag that is gone', { 'istio.io/rev': 'old' }, asks, []],
      ['it does both', { ...revision, 'istio-injection': 'enabled' }, {}, ['namespace']],
      ['it does, and refuses', { ...revision, 'istio-injection': 'disabled' }, {}, []],
      ['the pod opts out', { 'istio-injection': 'enabled' }, { 'sidecar.istio.io/inject': 'false' }, []],
      ['the pod asks', {}, asks, ['object']],
      ['the pod asks in another word', {}, { 'sidecar.istio.io/inject': 'yes' }, []],
      ['the pod names a revision', {}, revision, ['rev.object']],
      ['the pod asks, of a revision', {}, { ...asks, ...revision }, ['rev.object']],
      ['the pod asks, of one that is gone', {}, { ...asks, 'istio.io/rev': 'old' }, []],
      ['the pod names another than its namespace', revision, { 'istio.io/rev': 'prod' }, ['rev.namespace']],
    ];
  for (const [when, namespace, labels, called] of cases) {
    it(`${called.join(' and ') || 'none'}, when ${when}`, () => {
      const outcome = outcomeOf(pod({ labels }), namespace, all, '1.31.0');
      assert.deepEqual(
        outcome.called.map(({ name }) => name.replace('.sidecar-injector.istio.io', '')),
        called,
      );
      assert.equal(outcome.refusal, null);
    });
  }

  it('before 1.10 one, by the namespace alone', () => {
    const old = [{ ...webhook(), settings: DEFAULT_SETTINGS }];
    const outOf = (each: Injectable, labels = {}) => outcomeOf(each, labels, old, '1.9.0');
    assert.equal(outOf(says('true')).called.length, 0);
    assert.equal(outOf(says('false'), { 'istio-injection': 'enabled' }).refusal, null);
    assert.equal(outOf(says(null, 'false'), { 'istio-injection': 'enabled' }).refusal, 'opted-out');
  });

  it('two, of which one declines: the pod is injected', () => {
    const off = injecting('default', { settings: { ...DEFAULT_SETTINGS, policy: 'disabled' } });
    const outcome = outcomeOf(pod(), { 'istio-injection': 'enabled' }, [...off, ...injecting()], null);
    assert.deepEqual([outcome.called.length, outcome.refusal], [2, null]);
  });
});

describe('the injector', () => {
  const settings: InjectorSettings = { policy: 'enabled', never: [{}, inside('app', 'job')], always: [] };
  const disabled: InjectorSettings = { policy: 'disabled', never: [], always: [inside('app', 'web')] };
  const job = pod({ labels: { app: 'job' } });
  const cases: readonly [string, Injectable, InjectorSettings, string | null, string | null][] = [
    ['nothing', pod(), DEFAULT_SETTINGS, null, null],
    ['the annotation', says(null, 'false'), DEFAULT_SETTINGS, null, 'opted-out'],
    ['a label that beats it', says('true', 'false'), DEFAULT_SETTINGS, null, null],
    ['an empty label that beats it', says('', 'false'), DEFAULT_SETTINGS, null, null],
    ['a label that 1.9 does not know', says('true', 'false'), DEFAULT_SETTINGS, '1.9.0', 'opted-out'],
    ['a word that 1.27 does not know', says('off'), DEFAULT_SETTINGS, '1.27.0', null],
    ['the same to 1.26: no yes, so a no', says('off'), DEFAULT_SETTINGS, '1.26.4', 'opted-out'],
    ['a yes to 1.26', says('On'), disabled, '1.26.4', null],
    ['and nothing to 1.27', says('On'), disabled, '1.27.0', 'policy'],
    ['hostNetwork, and a yes', { ...says('true'), hostNetwork: true }, DEFAULT_SETTINGS, null, 'host-network'],
    ['a namespace of Kubernetes’', pod({ namespace: 'kube-system' }), DEFAULT_SETTINGS, null, 'system-namespace'],
    ['neverInjectSelector', job, settings, null, 'never-selected'],
    [
      'a yes before neverInjectSelector',
      { ...job, labels: { ...job.labels, ...says('true').labels } },
      settings,
      null,
      null,
    ],
    ['a policy that is disabled', pod(), disabled, null, 'policy'],
    ['alwaysInjectSelector', pod({ labels: { app: 'web' } }), disabled, null, null],
    ['a policy that is none, and a yes', says('true'), { ...DEFAULT_SETTINGS, policy: 'off' }, null, 'policy'],
  ];
  for (const [told, each, how, version, refusal] of cases)
    it(`${refusal ?? 'injects'}: told ${told}`, () => assert.equal(refusalOf(each, how, version), refusal));
});
