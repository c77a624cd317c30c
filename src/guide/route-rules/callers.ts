import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck, type Scope, type Verdict } from '../../diagnosis/check.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { callerPod } from '../../evidence/envoy/asked.ts';
import { calls } from '../../evidence/istio/calls.ts';
import { proxyContainerOf } from '../../evidence/istio/proxies.ts';
import { rules } from '../../evidence/istio/rules.ts';
import { allServices } from '../../evidence/kubernetes/lists.ts';
import { titleOf } from '../../evidence/kubernetes/named.ts';
import { isAmbient } from '../../evidence/kubernetes/pod.ts';
import { servicesByHost } from '../../istio/hosts.ts';
import { viewOf } from '../../istio/view.ts';
import { isForMesh } from '../../istio/virtual-services.ts';
import { isVisible } from '../../istio/visibility.ts';
import { editRule, NO_RULES } from './steps.ts';

const NOBODY = 'name a caller: --from POD';

const unseen = ({ name }: NonNullable<Scope['from']>): Verdict => ({
  status: 'unknown',
  reason: 'NotFound',
  message: `pod ${name} was not among the pods that could be seen`,
  missing: [],
});

export const callerIsInMesh = defineCheck({
  id: 'caller-is-in-mesh',
  title: 'the caller has a proxy',
  explains:
    'A rule is carried out by the proxy of whoever calls, or by a waypoint of the service in an ambient mesh: without either it has no effect, whatever the service has. Looks at the pod that --from names. The service itself needs no sidecar for rules to work.',
  reasons: {
    CallerWithoutProxy: 'The caller has no sidecar, and is in no ambient mesh: nobody carries out rules for it.',
  },
  needs: { caller: callerPod },
  judge({ caller }, { scope }) {
    if (scope.from === null) return skip(NOBODY);
    if (caller === null) return unseen(scope.from);
    if (proxyContainerOf(caller)) return { status: 'pass', message: `${titleOf(caller)} has a proxy` };
    if (isAmbient(caller)) return { status: 'pass', message: `${titleOf(caller)} is in the ambient mesh` };
    return {
      status: 'fail',
      reason: 'CallerWithoutProxy',
      message: `${titleOf(caller)} has no sidecar${caller.hostNetwork ? ': it runs in the host’s network, where none is injected' : ''}`,
      hint:
        shellLine('kubectl', 'label', 'namespace', caller.namespace, 'istio-injection=enabled') +
        '   # then restart the pod',
    };
  },
});

export const rulesAreForMesh = defineCheck({
  id: 'rules-are-for-the-mesh',
  title: 'rules for services of the mesh are for its sidecars',
  explains:
    'A VirtualService with gateways has effect on what comes in through those only, unless `mesh` is among them. For a host that is a Service’s that is seldom what was meant.',
  reasons: { GatewaysOnly: 'A rule for a Service has effect at gateways only: calls within the mesh do not see it.' },
  needs: { rules, services: allServices },
  judge({ rules: { virtualServices, missing }, services }) {
    if (virtualServices.length === 0) return isSome(missing) ? unknown(missing) : skip(NO_RULES);
    const find = servicesByHost(services.items);
    const outside = virtualServices.filter(
      (rule) => !isForMesh(rule) && rule.hosts.some((host) => find(host, rule.namespace) !== null),
    );
    const [first] = outside;
    if (first)
      return {
        status: 'warn',
        reason: 'GatewaysOnly',
        message: some(outside.map((rule) => `VirtualService ${titleOf(rule)} is for ${some(rule.gateways)} only`)),
        hint: `${editRule(first)}   # add mesh to its gateways`,
      };
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    const meshed = virtualServices.filter(isForMesh);
    return {
      status: 'pass',
      message: `${count(meshed.length, 'rule')} for sidecars, ${virtualServices.length - meshed.length} for gateways`,
    };
  },
});

export const callerSeesRules = defineCheck({
  id: 'caller-sees-rules',
  title: 'nothing keeps the rules from the caller',
  explains:
    'A rule’s exportTo, and the Sidecar object of the caller, decide whether its proxy gets the rule: one for its labels, one for its namespace, or one of the root namespace for all. Looks at the pod that --from names; with a service named too, that its rules are kept from the caller is a fault.',
  reasons: {
    NotExported: 'A rule is not exported to the caller’s namespace.',
    OutOfScope: 'The Sidecar object of the caller leaves the rule’s host out.',
  },
  needs: { caller: callerPod, rules, calls },
  judge({ caller, rules: { virtualServices, missing }, calls }, { scope }) {
    if (scope.from === null) return skip(NOBODY);
    if (caller === null) return unseen(scope.from);
    const meshed = virtualServices.filter(isForMesh);
    if (meshed.length === 0) return isSome(missing) ? unknown(missing) : skip(NO_RULES);
    // Of all the rules of a mesh most are none of a caller's business: that they are kept from it is no fault.
    const isAsked = scope.workload !== null;
    const hidden = meshed.filter((rule) => !isVisible(rule.exportTo, rule.namespace, caller.namespace));
    const [first] = hidden;
    if (first && isAsked)
      return {
        status: 'fail',
        reason: 'NotExported',
        message: some(
          hidden.map((rule) => `VirtualService ${titleOf(rule)} is exported to ${some(rule.exportTo)} only`),
        ),
        hint: editRule(first),
      };
    const view = viewOf(calls.routing, caller);
    const own = view.sidecar;
    const outside = meshed.filter((rule) => !hidden.includes(rule) && !view.has(rule));
    if (own && isAsked && outside.length > 0)
      return {
        status: 'fail',
        reason: 'OutOfScope',
        message: `Sidecar ${titleOf(own)} leaves out ${some(outside.map((rule) => `VirtualService ${titleOf(rule)}`))}`,
        hint: shellLine('kubectl', '-n', own.namespace, 'edit', 'sidecars.networking.istio.io', own.name),
      };
    if (isSome(missing)) return unknown(missing, 'not every rule was seen');
    const kept = new Set([...hidden, ...outside]);
    return {
      status: 'pass',
      message: `${count(meshed.length - kept.size, 'rule')} for ${titleOf(caller)}${kept.size > 0 ? `, ${kept.size} kept from it` : ''}`,
      evidence: [...kept].slice(0, 20).map((rule) => `VirtualService ${titleOf(rule)} is kept from it`),
    };
  },
});
