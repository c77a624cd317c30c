import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe } from 'node:test';
import type { Report } from '../src/report/document.ts';
import { reportOn } from './support/inputs.ts';
import { it } from './support/programs.ts';
import { checkOf } from './support/run.ts';
import type { StandInOptions } from './support/stand-in.ts';

/** What people reported, as the smallest objects that show it, and what is right to say of it. */
const RIGHT: readonly [input: string, topic: string, code: number, reason: string, says: RegExp][] = [
  ['star-host-shadowed', 'route-rules', 1, 'HostShadowed', /bookinfo\/all is not asked for site\.example\.com/],
  ['destinationrule-third-namespace', 'route-rules', 1, 'SubsetMissing', /v1 of front.*; store\/front does/],
  ['gateway-short-name', 'route-rules', 1, 'GatewayMissing', /bookinfo\/edge.*there is istio-system\/edge/],
  ['catch-all-first', 'route-rules', 0, 'RuleUnreached', /bookinfo\/front, rule 2: never reached/],
  ['wildcard-destinationrule-shadowed', 'route-rules', 1, 'SubsetMissing', /; bookinfo\/all does, and is not the one/],
  ['gateway-host-mismatch', 'route-rules', 1, 'HostNotServed', /istio-system\/edge does not serve site\.example\.com/],
  ['serviceentry-private', 'route-rules', 1, 'HostMissing', /api\.partner\.example, which is kept from bookinfo/],
  [
    'mtls-to-pod-without-proxy',
    'headless-tcp',
    1,
    'MtlsWithoutProxy',
    /istio-system\/default \(ISTIO_MUTUAL\) to bookinfo\/redis/,
  ],
  [
    'mysql-port-named-http',
    'headless-tcp',
    1,
    'DatabaseIsHttp',
    /bookinfo\/mysql port http-db \(3306, MySQL’s\) is HTTP/,
  ],
  [
    'mysql-behind-another-port',
    'headless-tcp',
    1,
    'DatabaseIsHttp',
    /bookinfo\/mysql port http-mysql \(13306 to 3306, MySQL’s\) is HTTP/,
  ],
  [
    'statefulset-of-other-labels',
    'headless-tcp',
    0,
    'ServiceSelectsNone',
    /^bookinfo\/db names Service db, which selects none of its pods$/,
  ],
  ['injection-label-true', 'webhook-certs', 1, 'LabelMeansNothing', /apps has istio-injection=true/],
  ['injection-annotation-only', 'webhook-certs', 1, 'AnnotationOnly', /by an annotation only: apps\/web-1$/],
  [
    'injection-disabled-wins',
    'webhook-certs',
    0,
    'NamespaceRefuses',
    /against istio-injection=disabled of the namespace: apps\/web-1$/,
  ],
  ['injection-never-selected', 'webhook-certs', 0, 'NeverSelected', /neverInjectSelector.*: apps\/web-1$/],
  [
    'injection-never-selected-by-revision',
    'webhook-certs',
    0,
    'NeverSelected',
    /neverInjectSelector, where one is asked for: apps\/web-1$/,
  ],
  ['injection-in-kube-system', 'webhook-certs', 0, 'SystemNamespace', /asked for: kube-system\/web-1$/],
  ['injection-no-in-capitals', 'webhook-certs', 0, 'NoMeansNothing', /inject=False\), .*: apps\/web-1$/],
  ['injection-mark-copied', 'webhook-certs', 0, 'CreatedBefore', /now and has none: apps\/web-1$/],
  ['httproute-no-grant', 'route-rules', 1, 'RefNotPermitted', /bookinfo\/cross leads to store\/far/],
  ['delegate-with-hosts', 'route-rules', 1, 'DelegateMissing', /to bookinfo\/part, which has hosts of its own/],
  ['delegate-outside-of-root', 'route-rules', 1, 'DelegateConflict', /to bookinfo\/part, which has a match/],
  [
    'short-host-in-third-namespace',
    'route-rules',
    1,
    'HostMissing',
    /foo\.shared\.svc\.cluster\.local, which does not exist/,
  ],
  [
    'gateway-of-another-namespace',
    'route-rules',
    1,
    'GatewayMissing',
    /bookinfo\/istio-gateway.*there is istio-system/,
  ],
  ['subset-without-rule', 'route-rules', 1, 'SubsetMissing', /v1 of productpage/],
  ['weights-null', 'route-rules', 1, 'SharesZero', /bookinfo\/front \(none and none\)/],
  ['match-without-route', 'route-rules', 1, 'RuleNowhere', /bookinfo\/front, rule 1/],
  ['fault-without-route', 'route-rules', 1, 'RuleNowhere', /bookinfo\/front, rule 1/],
  ['weight-of-the-only-one', 'route-rules', 0, 'ShareIgnored', /bookinfo\/front \(0\)/],
  ['port-by-name', 'route-rules', 1, 'PortMissing', /front\.bookinfo\.svc\.cluster\.local:0, a port that it does not/],
  ['port-of-nobodys-host', 'route-rules', 1, 'PortUncalled', /port 81 alone, and test-00\.example\.com has 80/],
  ['port-of-another-entry', 'route-rules', 1, 'PortUncalled', /port 9080 alone, and \*\.example\.com has 80/],
  ['ports-without-a-choice', 'route-rules', 1, 'PortMissing', /without a port, .* \(it has 9080 and 9081\)/],
  ['only-port-in-the-mesh', 'route-rules', 1, 'PortMissing', /without a port, .* \(it has 8080\)/],
  ['gateway-port-halves', 'route-rules', 1, 'HostMissing', /bookinfo\/web leads to gone/],
  ['rule-of-a-config-namespace', 'route-rules', 1, 'HostMissing', /config\/www leads to gone/],
  ['rule-of-an-ambient-namespace', 'route-rules', 1, 'HostMissing', /shop\/cart leads to gone/],
  ['nobodys-wildcard-gone', 'route-rules', 1, 'HostMissing', /leads to gone/],
  ['tcp-port-of-another', 'route-rules', 1, 'PortMissing', /db2.* without a port/],
  ['rule-exported-to-others', 'route-rules', 1, 'SubsetMissing', /v3 of far.*; shared\/far does/],
  ['gateway-rule-kept', 'route-rules', 1, 'RuleNotExported', /bookinfo\/front is not exported to istio-system/],
  ['gateways-same-host', 'route-rules', 1, 'ServerLeftOut', /Gateway istio-system\/old has a host of it there/],
  ['gateway-service-port', 'route-rules', 1, 'ServerLeftOut', /Gateway istio-system\/a has the port for HTTP/],
  ['gateway-of-sidecars', 'route-rules', 1, 'GatewayWithoutPods', /bookinfo\/edge: app=front/],
  [
    'httproute-of-another-namespace',
    'route-rules',
    1,
    'RouteNotAllowed',
    /takes routes from its own namespace only at listener web: the route is in bookinfo/,
  ],
  [
    'destination-not-ready',
    'route-rules',
    1,
    'DestinationUnready',
    /front\.bookinfo\.svc\.\S+, which has no ready pod/,
  ],
  ['subset-not-ready', 'route-rules', 1, 'SubsetUnready', /no ready pod of v1 of front\S+: version=v1/],
  ['private-rule-wins', 'route-rules', 1, 'HostTwice', /: bookinfo\/private wins over bookinfo\/public$/],
  [
    'gateway-rule-with-service',
    'route-rules',
    0,
    'ServiceNotServed',
    /bookinfo\/edge does not serve front\.bookinfo\.svc/,
  ],
  ['port-as-text', 'route-rules', 1, 'PortUncalled', /port 81 alone, and front\.bookinfo\.svc\.cluster\.local has 80/],
  [
    'delegate-of-numbers',
    'route-rules',
    1,
    'HostMissing',
    /leads to gone\.bookinfo\.svc\.cluster\.local, which does not/,
  ],
];

const RULES = /^(hosts|gateways) /;
const API = / (api-gateways-programmed|http-routes-accepted)$/;

/** What people reported, or were told by another tool, and is no fault of what these steps and checks look at. */
const SOUND: readonly [input: string, topic: string, about: RegExp][] = [
  ['subset-in-entrys-namespace', 'route-rules', RULES],
  ['subset-by-cluster', 'route-rules', RULES],
  ['private-rules-of-one-namespace', 'route-rules', RULES],
  ['two-rules-at-a-gateway', 'route-rules', RULES],
  ['weight-left-out', 'route-rules', RULES],
  ['only-port-at-a-gateway', 'route-rules', RULES],
  ['egress-gateway-tls', 'route-rules', RULES],
  ['nobodys-wildcard', 'route-rules', RULES],
  ['injection-off', 'webhook-certs', /^webhook-selection | injection-webhook-exists$/],
  ['injection-opt-in', 'webhook-certs', /^webhook-selection /],
  ['gateway-redirects', 'route-rules', RULES],
  ['fields-of-other-shapes', 'route-rules', RULES],
  ['unready-published', 'route-rules', RULES],
  ['gateway-of-another-controller', 'route-rules', API],
  ['status-of-a-former-parent', 'route-rules', API],
  ['two-tutorials', 'route-rules', RULES],
  ['gateways-redirect-both', 'route-rules', RULES],
];

/** What depends on something that may not be read, or is not there. */
const UNKNOWN: readonly [input: string, topic: string, check: string, reason: string, forbidden: RegExp | null][] = [
  ['injection-outside', 'webhook-certs', 'pods-not-excepted', 'NotFound', null],
  [
    'injection-never-selected-by-revision',
    'webhook-certs',
    'pods-not-excepted',
    'Forbidden',
    /configmaps\/istio-sidecar-injector-canary/,
  ],
];

const reportOf = (input: string, topic: string, options: StandInOptions = {}): Promise<Report> =>
  reportOn(readFileSync(new URL(`inputs/${input}.yaml`, import.meta.url), 'utf8'), topic, options);

describe('public reports, recreated', () => {
  for (const [input, topic, code, reason, says] of RIGHT) {
    it(`${input}: ${reason}`, async () => {
      const report = await reportOf(input, topic);
      const checks = report.steps.flatMap(({ checks }) => checks);
      const found = checks.find((check) => check.reason === reason);
      assert.ok(
        found,
        JSON.stringify(
          checks.filter(({ status }) => !/pass|skip/.test(status)),
          null,
          1,
        ),
      );
      assert.match(found.message, says);
      assert.equal(found.status, code === 0 ? 'warn' : 'fail');
      assert.equal(found.causedBy, null);
      if (code === 1) assert.equal(report.verdict, 'broken');
    });
  }
  for (const [input, topic, id, reason, forbidden] of UNKNOWN) {
    it(`${input}: ${reason}`, async () => {
      const faults = forbidden ? [{ match: forbidden, fault: 'forbid' as const }] : [];
      const report = await reportOf(input, topic, { faults });
      const found = checkOf(report, id);
      assert.deepEqual([found?.status, found?.reason], ['unknown', reason]);
      assert.ok(report.unchecked.some((each) => each.reason === reason && each.resource === 'configmaps'));
    });
  }
  for (const [input, topic, about] of SOUND) {
    it(`${input}: no fault`, async () => {
      const { steps } = await reportOf(input, topic);
      const checks = steps.flatMap((step) => step.checks.filter(({ id }) => about.test(`${step.id} ${id}`)));
      assert.ok(checks.some(({ status }) => status === 'pass'));
      assert.deepEqual(
        checks.filter(({ status }) => /fail|warn/.test(status)).map(({ id, message }) => `${id}: ${message}`),
        [],
      );
    });
  }
});
