import { array, type Json, object, only } from './parts.ts';

/** A part of an object under its name, where something is left of it. */
const part = (name: string, kept: Json): Json => (Object.keys(kept).length > 0 ? { [name]: kept } : {});

/** The words by which Istio's own extensions are told apart: a script that was written inline may hold anything. */
const OWN_EXTENSION = /^envoy\.wasm\.[a-z_]{1,40}$/;
const isOwnFile = (path: string): boolean => /^[\w./-]+$/.test(path) && path.includes('stats');

function code(config: unknown): Json {
  const { inline_string: inline, filename } = object(object(object(object(config).vm_config).code).local);
  return part('local', {
    ...(typeof inline === 'string' && OWN_EXTENSION.test(inline) && { inline_string: inline }),
    ...(typeof filename === 'string' && isOwnFile(filename) && { filename }),
  });
}

/** Of a filter's configuration, whose it is, and which metrics it leaves out. */
function configuration(typed: unknown): Json {
  const { value } = object(typed);
  const metrics = (of: unknown): Json => {
    const dropped = array(object(of).metrics).map((each) => only(each, 'name', 'drop'));
    return dropped.length > 0 ? { metrics: dropped } : {};
  };
  const extension = code(object(value).config);
  return {
    ...only(typed, '@type', 'type_url'),
    ...metrics(typed),
    ...part('value', {
      ...metrics(value),
      ...part('config', part('vm_config', part('code', extension))),
    }),
  };
}

const filter = (value: unknown): Json => {
  const { typed_config: typed, typedConfig, config } = object(value);
  return { ...only(value, 'name'), ...part('typed_config', configuration(typed ?? typedConfig ?? config)) };
};

function match(from: unknown): Json {
  const { proxy, listener } = object(from);
  const { filterChain } = object(listener);
  const { filter: beside } = object(filterChain);
  return {
    ...only(from, 'context'),
    ...part('proxy', {
      ...only(proxy, 'proxyVersion'),
      // That there are some, and of none what they are.
      ...part('metadata', Object.fromEntries(Object.keys(object(object(proxy).metadata)).map((name) => [name, '']))),
    }),
    ...part('listener', {
      ...only(listener, 'name', 'portNumber'),
      ...part('filterChain', {
        ...only(filterChain, 'name', 'sni', 'transportProtocol', 'applicationProtocols', 'destinationPort'),
        ...part('filter', { ...only(beside, 'name'), ...part('subFilter', only(object(beside).subFilter, 'name')) }),
      }),
    }),
  };
}

/** Of an EnvoyFilter, which filters it adds where and for whom. All else is dropped: scripts and secrets may lie there. */
export const envoyFilterSpec = (spec: unknown): Json => ({
  ...only(spec, 'priority', 'targetRefs'),
  ...part('workloadSelector', only(object(spec).workloadSelector, 'labels')),
  configPatches: array(object(spec).configPatches).map((each) => ({
    ...only(each, 'applyTo'),
    ...part('match', match(object(each).match)),
    patch: {
      ...only(object(each).patch, 'operation'),
      ...part('value', filter(object(object(each).patch).value)),
    },
  })),
});
