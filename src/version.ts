import manifest from '../package.json' with { type: 'json' };

/** What this program is called, and which version it is. */
export const tool = { name: 'kubectl-istio-diag', version: manifest.version } as const;
