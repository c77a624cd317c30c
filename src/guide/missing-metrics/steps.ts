/** The ids of the steps of today's walks that what looks at the store may follow from, in their order. */
export const IN_MESH = 'in-mesh';
export const ENROLLED = 'enrolled';
export const TELEMETRY_CONFIG = 'telemetry-config';
export const CONFIG_DELIVERY = 'config-delivery';
export const PROXY_EMITS = 'proxy-emits';
export const ZTUNNEL_EMITS = 'ztunnel-emits';
export const WAYPOINT = 'waypoint';
export const SCRAPE = 'scrape';
export const STORED = 'stored';
export const CONSUMERS = 'consumers';
