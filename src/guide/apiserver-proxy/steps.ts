import { sectionOf } from '../section.ts';

export const PROXY_SETTINGS = 'proxy-settings';
export const NO_PROXY = 'no-proxy';
export const PROXIED_CALLS = 'proxied-calls';

export const docs = sectionOf('Automatic Sidecar Injection will fail if the kube-apiserver has proxy settings');
