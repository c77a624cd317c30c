import { shellLine } from '../../cluster/question/shell.ts';
import { defineCheck } from '../../diagnosis/check.ts';
import { attempt } from '../../diagnosis/source.ts';
import { count, isSome, skip, some, unknown } from '../../diagnosis/verdict.ts';
import { answered, nameOf } from '../../evidence/envoy/asked.ts';
import { envoyDumps } from '../../evidence/envoy/dump.ts';
import { nginx } from '../../evidence/kubernetes/nginx.ts';

export const nginxSpeaksHttp11 = defineCheck({
  id: 'nginx-speaks-http11',
  title: 'every nginx in the mesh proxies with HTTP/1.1',
  explains:
    'nginx before 1.29.7 and 1.30 speaks HTTP/1.0 to the services behind it unless proxy_http_version says 1.1: the classic sender of what Envoy refuses. Reads the ConfigMaps that pods with such an nginx and a proxy mount, and of those only what is said of proxying.',
  reasons: {
    ConfigMapsLeftOut: 'More ConfigMaps are mounted by nginx than are read.',
    NginxSpeaksOldHttp: 'An nginx proxies without `proxy_http_version 1.1`: what it sends is HTTP/1.0.',
  },
  needs: { nginx, dumps: attempt(envoyDumps) },
  judge({ nginx: { pods, files, leftOut, missing }, dumps }) {
    const takes = new Set(
      answered('got' in dumps ? dumps.got : [])
        .filter(({ said }) => said.listeners.some(({ chains }) => chains.some(({ http10 }) => http10 === true)))
        .map(nameOf),
    );
    const old = files.filter(({ envoy, http10 }) => http10.length > 0 && !takes.has(nameOf(envoy)));
    const [first] = old;
    if (first)
      return {
        status: 'warn',
        reason: 'NginxSpeaksOldHttp',
        message: `nginx in ${some([...new Set(old.map(({ envoy }) => nameOf(envoy)))])} proxies with HTTP/1.0 to ${some(old.flatMap(({ http10 }) => http10))}`,
        evidence: old.map(
          ({ envoy, configMap, file, http10 }) =>
            `ConfigMap ${envoy.pod.namespace}/${configMap}, ${file}: ${http10.join(', ')}`,
        ),
        hint: `${shellLine('kubectl', '-n', first.envoy.pod.namespace, 'edit', 'configmap', first.configMap)}   # proxy_http_version 1.1; proxy_set_header Connection "";`,
      };
    if (isSome(missing)) return unknown(missing, 'not every ConfigMap that nginx mounts was read');
    if (pods === 0) return skip('no pod of the mesh runs an nginx older than 1.29.7');
    if (leftOut > 0)
      return {
        status: 'unknown',
        reason: 'ConfigMapsLeftOut',
        message: `${count(leftOut, 'ConfigMap')} that nginx mounts ${leftOut === 1 ? 'was' : 'were'} not read: there are too many`,
        missing: [],
      };
    if (files.length === 0)
      return skip(
        `${count(pods, 'pod')} with nginx, and no ConfigMap of theirs says what is proxied: it lies in the image`,
      );
    return { status: 'pass', message: `${count(pods, 'pod')} with nginx, none proxies with HTTP/1.0 by a ConfigMap` };
  },
});
