import { defineCheck } from '../../../../diagnosis/check.ts';
import { count, isSome, skip, some, unknown } from '../../../../diagnosis/verdict.ts';
import { titleOf } from '../../../../evidence/kubernetes/named.ts';
import { narrowed } from '../../../../evidence/kubernetes/workload.ts';
import { type Caller, callers, isPlaced } from '../../../../evidence/prometheus/callers.ts';
import { OPTED_OUT } from '../../../../scraping/ways.ts';

/** So many are named one by one. */
const MOST = 10;

/** Why a caller is not looked at; null where it is. */
function whyNot(caller: Caller): string | null {
  if (caller.leftOut === 'prometheus') return 'Prometheus, which asks for pages';
  if (caller.leftOut === 'opted-out') return `its label ${OPTED_OUT}`;
  if (caller.leftOut === 'ambient') return 'in ambient, where no sidecar counts for it';
  if (caller.leftOut === 'idle') return 'next to nothing in the last hour';
  if (!isPlaced(caller)) return 'namespace not told';
  return caller.pods.length === 0 ? 'no running pod' : null;
}

const nameOf = (caller: Caller): string => (isPlaced(caller) ? titleOf(caller) : caller.name);

const lineOf = (caller: Caller): string =>
  `caller ${nameOf(caller)}: ${whyNot(caller) ?? count(caller.pods.length, 'running pod')}`;

export const callersSeen = defineCheck({
  id: 'callers-seen',
  about: 'callers',
  title: 'who calls the workload can be looked at',
  explains:
    'For the workload on the command line: half of its metrics are made by the proxies of its callers (reporter="source"). Callers are those workloads that its series in the store name as the source of requests or connections; their pods are found by the same names, and each step looks at them too: not at those of which next to nothing came in the last hour, at a Prometheus, at those in ambient, which have no proxy of their own, or at those that are not to be scraped by a label of their own. Without a store that answers nobody knows them, which is no fault of the workload; callers without a proxy have no name.',
  reasons: {},
  needs: { narrowed, callers },
  judge({ narrowed, callers: { callers, missing, partial, hasStore, refusal } }) {
    if (!narrowed) return skip('no single workload was asked for');
    if (narrowed.pods.length === 0) return skip('its callers are not known: no pod of it runs');
    const [none] = missing;
    if (none) return skip(`its callers are not known: ${none.words}`);
    if (!hasStore) return skip('its callers are not known: no store holds series of Istio’s proxies');
    if (callers.length === 0) return skip('no series in the store name a caller of it');
    const seen = callers.filter((caller) => whyNot(caller) === null);
    const evidence = [
      ...callers.slice(0, MOST).map(lineOf),
      ...(callers.length > MOST ? [`and ${callers.length - MOST} more`] : []),
    ];
    const all = `${seen.length} of ${count(callers.length, 'caller')}`;
    const more = partial.length > 0 ? '; there may be more, as the store’s answer may not be whole' : '';
    if (refusal) return { ...unknown([refusal], `${all} can be looked at`), evidence };
    if (!isSome(seen)) {
      const others = callers.filter(({ leftOut }) => leftOut !== null);
      const why = isSome(others)
        ? `none of its callers is looked at: ${some(callers.map((each) => `${nameOf(each)} (${whyNot(each)})`))}`
        : `no pod of ${some(callers.map(nameOf))}, which called, runs here now`;
      return { ...skip(why), evidence };
    }
    return { status: 'pass', message: `${all} looked at: ${some(seen.map(titleOf))}${more}`, evidence };
  },
});
