/** The ids of steps that what looks at the store may follow from, too. */
export const IN_MESH = 'in-mesh';
export const PROXY_EMITS = 'proxy-emits';
export const SCRAPE = 'scrape';
