import { stepsOf } from '../section.ts';

export const HEADLESS_SERVICES = 'headless-services';
export const PROXY_RESTARTS = 'proxy-restarts';
export const CERTIFICATES = 'certificates';

export const step = stepsOf('Headless TCP services losing connection from Istio injected containers');

export const NONE = 'no headless Service with a TCP port in the mesh';
