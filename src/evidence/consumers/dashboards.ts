import { ANYTHING, dashboardsIn } from '../../cluster/bundle/trim-dashboards.ts';
import { configMaps, typedName } from '../../cluster/question/resources.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import { readData } from '../kubernetes/config-maps.ts';
import { allPods } from '../kubernetes/lists.ts';
import { list, object, text, texts } from '../text/json.ts';
import { consumers } from './consumers.ts';

/** A dashboard of Grafana's that asks for requests. */
export interface Dashboard {
  title: string;
  namespace: string;
  configMap: string;
  /** How many of its selectors ask for what a waypoint counts, and how many there are. */
  forWaypoints: number;
  selectors: number;
}

/** Dashboards that are mounted from ConfigMaps, as Istio's samples have them, and why there may be more. */
export interface Dashboards {
  dashboards: readonly Dashboard[];
  missing: readonly Unanswered[];
  /** How many ConfigMaps were not read, as there are so many. */
  unread: number;
}

/** Of each Grafana; Istio's samples put theirs into two. */
const MOST_MAPS = 4;

/** A variable, in each of Grafana's ways to write one. */
const VARIABLE = /\$(\w+)|\$\{(\w+)[^}]*\}|\[\[(\w+)[^\]]*\]\]/g;

/**
 * Whether a reporter that is asked for can be a waypoint; a variable is any of its options, or anything where it has none, and
 * so is a pattern that is more than words: nobody's patterns are run here.
 */
function asksForWaypoints(selector: string, variables: ReadonlyMap<string, readonly string[]>): boolean {
  const [, operator = '', said = ''] = /reporter\s*(=~|!~|!=|=)\s*"([^"]*)"/.exec(selector) ?? [];
  if (operator === '') return true;
  const filled = said.replaceAll(VARIABLE, (_, ...names: (string | undefined)[]) =>
    (variables.get(names.slice(0, 3).find((name) => name !== undefined) ?? '') ?? [ANYTHING]).join('|'),
  );
  const isPattern = operator.includes('~') || filled !== said;
  const words = isPattern ? filled.replace(/^\((?:\?:)?([^()]*)\)$/, '$1').split('|') : [said];
  const isNamed = words.includes('waypoint');
  return operator.startsWith('!') ? !isNamed : isNamed || (isPattern && words.some((word) => !/^\w*$/.test(word)));
}

/** What a dashboard asks for, as it is cut down. */
function dashboardOf(file: string): Pick<Dashboard, 'title' | 'forWaypoints' | 'selectors'> {
  const { title, panels, templating } = object(JSON.parse(file));
  const variables = new Map(
    list(object(templating).list).map(({ name, options }) => [
      text(name),
      list(options).map(({ value }) => text(value)),
    ]),
  );
  const asked = texts(list(panels).map(({ expr }) => expr));
  const found = asked.filter((selector) => asksForWaypoints(selector, variables));
  return { title: text(title), forWaypoints: found.length, selectors: asked.length };
}

/** What the dashboards of a ConfigMap ask for. */
export const dashboardsOf = (
  data: Readonly<Record<string, string>>,
): readonly Pick<Dashboard, 'title' | 'forWaypoints' | 'selectors'>[] =>
  Object.values(dashboardsIn(data) ?? {}).map(dashboardOf);

/** Which of the ConfigMaps that a Grafana mounts are read, Istio's own first, and how many more are of dashboards. */
export function mapsToRead(configMaps: readonly string[]): { names: readonly string[]; unread: number } {
  const all = configMaps
    .filter((name) => /dashboard/.test(name))
    .sort((a, b) => Number(/istio/.test(b)) - Number(/istio/.test(a)));
  const names = all.slice(0, MOST_MAPS);
  return { names, unread: all.length - names.length };
}

export const dashboards = planeSource(
  [{ verb: 'get', resource: typedName(configMaps) }],
  async (ask): Promise<Dashboards> => {
    const [found, { items }] = await Promise.all([ask.from(consumers), ask.from(allPods)]);
    const grafanas = found.filter(({ kind }) => kind === 'Grafana');
    const mounted = grafanas.map(({ namespace, pod }) => ({
      namespace,
      ...mapsToRead(items.find((each) => each.namespace === namespace && each.name === pod)?.configMaps ?? []),
    }));
    const maps = mounted.flatMap(({ namespace, names }) => names.map((name) => ({ namespace, name })));
    const read = await Promise.all(maps.map(async (map) => ({ map, data: await settle(readData(ask, map)) })));
    return {
      dashboards: read.flatMap(({ map, data }) =>
        dashboardsOf(('got' in data && data.got) || {}).map((each) => ({
          ...each,
          namespace: map.namespace,
          configMap: map.name,
        })),
      ),
      missing: read.flatMap(({ data }) => ('missing' in data ? [data.missing] : [])),
      unread: mounted.reduce((sum, { unread }) => sum + unread, 0),
    };
  },
);
