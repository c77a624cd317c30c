import { configMaps } from '../../cluster/question/resources.ts';
import { askJson } from '../../cluster/question/text.ts';
import { planeSource, settle } from '../../diagnosis/source.ts';
import type { Unanswered } from '../../errors.ts';
import { type Envoy, envoys } from '../envoy/asked.ts';

/** A file of nginx's configuration, as a pod of the mesh mounts it. */
export interface NginxFile {
  envoy: Envoy;
  configMap: string;
  file: string;
  /** What is proxied with HTTP/1.0: the addresses that `proxy_pass` names without `proxy_http_version 1.1`. */
  http10: readonly string[];
}

export interface Nginx {
  /** Pods of the mesh with an nginx that speaks HTTP/1.0 to those behind it unless it is told otherwise. */
  pods: number;
  files: readonly NginxFile[];
  /** ConfigMaps that were not read: there are too many. */
  leftOut: number;
  missing: readonly Unanswered[];
}

/** Before 1.29.7 and 1.30 nginx spoke HTTP/1.0 to those behind it by default (guide.md d, D4). */
const isOld = (image: string): boolean => {
  const [, tag] = /(?:^|\/)nginx(?:-[\w-]+)?(?::([\w.-]+))?(?:@|$)/.exec(image) ?? [];
  const [, minor, patch] = /^1\.(\d+)(?:\.(\d+))?/.exec(tag ?? '') ?? [];
  if (tag === undefined || minor === undefined) return /(?:^|\/)nginx(?:-[\w-]+)?(?::|@|$)/.test(image);
  return Number(minor) < 29 || (Number(minor) === 29 && Number(patch ?? 0) < 7);
};

interface Block {
  version: string | null;
  passes: string[];
  blocks: Block[];
}

/** The addresses that nginx proxies with HTTP/1.0: what a block does not say, the one around it does. */
export function http10In(text: string): readonly string[] {
  const root: Block = { version: null, passes: [], blocks: [] };
  const open = [root];
  for (const [token, address, version] of text.matchAll(
    /proxy_pass\s+([^;\s]+)\s*;|proxy_http_version\s+([\d.]+)\s*;|[{}]/g,
  )) {
    const block = open.at(-1) ?? root;
    if (address !== undefined) block.passes.push(address);
    else if (version !== undefined) block.version = version;
    else if (token === '{') {
      const inner: Block = { version: null, passes: [], blocks: [] };
      block.blocks.push(inner);
      open.push(inner);
    } else if (open.length > 1) open.pop();
  }
  const found = ({ version, passes, blocks }: Block, around: string): readonly string[] => [
    ...((version ?? around) === '1.0' ? passes : []),
    ...blocks.flatMap((each) => found(each, version ?? around)),
  ];
  return found(root, '1.0');
}

/** Nobody has more of them than this: then the rest is left out, and said. */
const MOST = 50;

/** The configurations of every old nginx in the mesh: what it tells nginx, and nothing else (trim.ts). */
export const nginx = planeSource(
  [{ verb: 'get', resource: 'configmaps' }],
  async ({ cluster, from }): Promise<Nginx> => {
    const pods = (await from(envoys)).filter(({ pod }) => pod.containers.some(({ image }) => isOld(image)));
    // Replicas mount the same ones.
    const mounted = new Map(
      pods.flatMap((envoy) =>
        envoy.pod.configMaps.map((name): [string, { envoy: Envoy; name: string }] => [
          `${envoy.pod.namespace}/${name}`,
          { envoy, name },
        ]),
      ),
    );
    const missing: Unanswered[] = [];
    const files = await Promise.all(
      [...mounted.values()].slice(0, MOST).map(async ({ envoy, name }): Promise<readonly NginxFile[]> => {
        const { namespace } = envoy.pod;
        const answer = await settle(askJson(cluster, { ask: 'object', resource: configMaps, namespace, name }));
        if ('missing' in answer) {
          if (answer.missing.hindrance !== 'NotFound') missing.push(answer.missing);
          return [];
        }
        const { data } = answer.got as { data?: Record<string, string> };
        return Object.entries(data ?? {}).map(([file, text]) => ({
          envoy,
          configMap: name,
          file,
          http10: http10In(text),
        }));
      }),
    );
    return { pods: pods.length, files: files.flat(), leftOut: Math.max(0, mounted.size - MOST), missing };
  },
);
