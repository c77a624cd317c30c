import { stepsOf } from '../section.ts';

export const CRASHES = 'crashes';
export const DESCRIPTORS = 'descriptors';

export const step = stepsOf('Envoy is crashing under load');
