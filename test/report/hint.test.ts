import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kindOfHint, saidHint } from '../../src/report/hint.ts';

describe('a hint', () => {
  it('heals where one of its commands changes something', () => {
    for (const hint of [
      `kubectl -n shop patch deployment web-v1 --type merge -p '{"a":"b"}'`,
      'kubectl label --overwrite namespace shop istio.io/rev=default   # then restart its pods',
      'kubectl -n shop rollout restart deployment/cart-v1',
      `echo '{"kind":"Telemetry"}' | kubectl apply -f -`,
      'helm template install/kubernetes/helm/istio -x a.yaml | kubectl apply -f -   # in the folder of Istio 1.0.6',
      'istioctl waypoint apply -n shop && kubectl -n shop label service prices a=b',
      'kubectl -n istio-system set env deployment/istiod A=b',
      'istioctl tag set default --revision 1-31',
    ])
      assert.equal(kindOfHint(hint), 'fix', hint);
  });

  it('shows where to look where none does, whatever its comment and quotes say', () => {
    for (const hint of [
      'kubectl -n shop get pod a -o yaml   # then kubectl -n shop delete pod a',
      `kubectl get configmaps -o yaml | grep 'a | kubectl apply -f -'`,
      'kubectl -n istio-system port-forward prometheus-0 9090 & sleep 1; curl -s localhost:9090',
      'kubectl rollout status deployment/a',
      'kubectl -n patch get pods',
      'send a request to one of them, then run this again',
      'istioctl proxy-status',
    ])
      assert.equal(kindOfHint(hint), 'look', hint);
  });

  it('never deletes without saying so', () => {
    assert.equal(
      saidHint('kubectl -n shop delete pod a b'),
      'kubectl -n shop delete pod a b   # deletes the pod: what owns it makes another',
    );
    assert.match(
      saidHint('kubectl -n a delete envoyfilters x   # made twice'),
      /^kubectl -n a delete envoyfilters x {3}# deletes for good: .*; made twice$/,
    );
    assert.equal(
      saidHint('kubectl get pods   # then kubectl delete pod a'),
      'kubectl get pods   # then kubectl delete pod a',
    );
  });
});
