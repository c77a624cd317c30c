import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import type { RecordedObject } from '../support/recordings.ts';
import { BIN } from './build.ts';

/** The objects that Istio’s own charts make of an IstioOperator’s spec. */
export function charts(spec: object): readonly RecordedObject[] {
  const operator = { apiVersion: 'install.istio.io/v1alpha1', kind: 'IstioOperator', spec };
  const text = execFileSync(join(BIN, 'istioctl'), ['manifest', 'generate', '-f', '-'], {
    input: JSON.stringify(operator),
    stdio: ['pipe', 'pipe', 'pipe'],
    maxBuffer: 1e8,
  }).toString();
  return (loadAll(text) as (RecordedObject | null)[]).filter((object): object is RecordedObject => object !== null);
}
