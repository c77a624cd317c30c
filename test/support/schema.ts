import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { reportSchema } from '../../src/report/schema.ts';

const validate = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(reportSchema);

/** Throws unless the published JSON Schema allows the report. */
export function assertSchema(report: unknown): void {
  assert.ok(validate(report), JSON.stringify(validate.errors));
}
