import { defineCheck } from '../../../../diagnosis/check.ts';
import { count, isSome, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { narrowed } from '../../../../evidence/kubernetes/workload.ts';
import { type Caller, callers } from '../../../../evidence/prometheus/callers.ts';

/** So many are named one by one. */
const MOST = 10;

const lineOf = (caller: Caller): string => `caller ${titleOf(caller)}: ${count(caller.pods.length, 'running pod')}`;

export const callersSeen = defineCheck({
  id: 'callers-seen',
  about: 'callers',
  title: 'who calls the workload can be looked at',
  explains:
    'For the workload on the command line: half of its metrics are made by the proxies of its callers (reporter="source"). Callers are those workloads that its series in the store name as the source of requests or connections; their pods are found by the same names, and each step looks at them too. Without a store that answers nobody knows them, which is no fault of the workload; callers without a proxy have no name.',
  reasons: {},
  needs: { narrowed, callers },
  judge({ narrowed, callers: { callers, missing, partial, hasStore, refusal } }) {
    if (!narrowed) return skip('no single workload was asked for');
    const [none] = missing;
    if (none) return skip(`its callers are not known: ${none.words}`);
    if (!hasStore) return skip('its callers are not known: no store holds series of Istio’s proxies');
    if (callers.length === 0) return skip('no series in the store name a caller of it');
    const seen = callers.filter(({ pods }) => pods.length > 0);
    const evidence = [
      ...callers.slice(0, MOST).map(lineOf),
      ...(callers.length > MOST ? [`and ${callers.length - MOST} more`] : []),
    ];
    const all = `${seen.length} of ${count(callers.length, 'caller')}`;
    const more = partial.length > 0 ? '; there may be more, as the store’s answer may not be whole' : '';
    if (refusal) return { ...unknown([refusal], `${all} can be looked at`), evidence };
    if (!isSome(seen))
      return { ...skip(`no pod of ${some(callers.map(titleOf))}, which called, runs here now`), evidence };
    return { status: 'pass', message: `${all} looked at: ${some(seen.map(titleOf))}${more}`, evidence };
  },
});
