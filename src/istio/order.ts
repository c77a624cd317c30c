/**
 * The order of texts, as Go compares them, and so Istio and kubectl: by their code. Node's localeCompare loads the rules of
 * languages first, which takes 6 ms.
 */
export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
