import { stepsOf } from '../section.ts';

export const SIZE = 'configuration-size';
export const UPDATES = 'updates';
export const SETTINGS = 'settings';
export const REFRESH = 'refresh-delay';

export const step = stepsOf('Envoy Process High CPU Usage');
