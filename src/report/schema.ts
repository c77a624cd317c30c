import { WORKLOAD_KINDS } from '../diagnosis/check.ts';
import { STATUSES } from '../diagnosis/finding.ts';
import { STATES } from './compare.ts';
import { API_VERSION } from './data.ts';
import { VERDICTS } from './exit.ts';

const string = { type: 'string' } as const;
const nullable = { type: ['string', 'null'] } as const;
const number = { type: 'integer', minimum: 0 } as const;
const quantity = { type: ['number', 'null'], minimum: 0 } as const;
const status = { enum: STATUSES } as const;
const generation = { enum: ['mixer', 'telemetry-v2', 'ambient'] } as const;
const exitCode = { enum: [0, 1, 2, 3, 4, 5, 130, 143] } as const;
const verdict = { enum: VERDICTS } as const;
const list = <T>(items: T) => ({ type: 'array', items }) as const;

/** An object with exactly these keys, all of them always there. */
const object = (properties: Readonly<Record<string, unknown>>) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

const since = { at: string, notBefore: string };

const loss = object({
  generation,
  namespace: nullable,
  revision: nullable,
  hop: nullable,
  step: string,
  reason: string,
  effect: { enum: ['missing', 'wrong'] },
  about: { enum: ['workload', 'callers', null] },
  since: {
    anyOf: [
      object({
        ...since,
        secondsAgo: number,
        series: string,
        from: { const: 'prometheus-history' },
        subjects: list(object({ kind: string, namespace: string, name: string, ...since })),
      }),
      { type: 'null' },
    ],
  },
  undated: nullable,
  changes: list(
    object({
      at: string,
      kind: string,
      namespace: nullable,
      name: string,
      manager: nullable,
      operation: { enum: ['Create', 'Update', 'Apply', 'Start', 'Restart', 'Rollout', 'Event'] },
      fields: list(string),
      secondsBefore: { type: 'integer' },
      others: number,
    }),
  ),
  unchanged: nullable,
});

const check = object({
  id: string,
  title: string,
  status,
  reason: nullable,
  meaning: nullable,
  message: string,
  hint: nullable,
  hintKind: { enum: ['fix', 'look', null] },
  evidence: list(string),
  subjects: list(object({ kind: string, namespace: string, name: string, pods: list(string) })),
  commands: list(string),
  causedBy: nullable,
  ignoredBy: nullable,
  durationMs: number,
});

const step = object({
  id: string,
  order: { type: 'integer', minimum: 1 },
  generation,
  namespace: nullable,
  revision: nullable,
  title: string,
  hop: nullable,
  status,
  causedBy: nullable,
  message: string,
  docs: string,
  checks: list(check),
});

const difference = object({
  state: { enum: STATES },
  generation,
  step: string,
  check: string,
  status: { enum: [...status.enum, null] },
  was: { enum: [...status.enum, null] },
  reason: string,
  objects: list(string),
  message: string,
});

const comparison = {
  startedAt: string,
  context: nullable,
  summary: object({ new: number, known: number, fixed: number, unknown: number }),
  findings: list(difference),
  unasked: list(string),
};

/** The keys of a report. `message`, `hint` and `evidence` are prose and may change; names may not. */
const report = object({
  apiVersion: { const: API_VERSION },
  kind: { const: 'DiagnosisReport' },
  topic: string,
  tool: object({ name: string, version: string }),
  run: object({
    startedAt: string,
    durationMs: number,
    context: nullable,
    source: { enum: ['live', 'bundle'] },
    scope: object({
      workload: {
        anyOf: [object({ kind: { enum: WORKLOAD_KINDS }, name: string, namespace: string }), { type: 'null' }],
      },
      namespace: nullable,
      selector: nullable,
    }),
    interrupted: { type: 'boolean' },
  }),
  mesh: object({
    found: { type: 'boolean' },
    generations: list(generation),
    controlPlanes: list(object({ generation, namespace: nullable, revision: nullable, version: nullable })),
    pods: { anyOf: [object({ sidecars: number, ambient: number }), { type: 'null' }] },
  }),
  verdict,
  exitCode,
  coverage: object({ checked: number, total: number }),
  summary: object({
    pass: number,
    warn: number,
    fail: number,
    unknown: number,
    skip: number,
    ignored: number,
    causes: number,
  }),
  lostAt: { anyOf: [loss, { type: 'null' }] },
  losses: list(loss),
  flow: list(
    object({
      generation,
      namespace: nullable,
      revision: nullable,
      hop: string,
      from: string,
      to: string,
      steps: list(string),
      status,
      in: quantity,
      out: quantity,
      unit: string,
    }),
  ),
  steps: list(step),
  unchecked: list(
    object({
      step: string,
      reason: string,
      verb: string,
      resource: string,
      namespace: nullable,
      command: string,
      words: string,
      triedInstead: list(string),
    }),
  ),
  baseline: { anyOf: [object(comparison), { type: 'null' }] },
  plan: {
    anyOf: [list(object({ hint: string, diff: list(string), unforeseen: list(string) })), { type: 'null' }],
  },
  warnings: list(string),
});

const diff = object({
  apiVersion: { const: API_VERSION },
  kind: { const: 'DiagnosisDiff' },
  items: list(
    object({
      topic: string,
      verdict: object({ old: verdict, new: verdict }),
      with: object({ startedAt: string, context: nullable }),
      ...comparison,
    }),
  ),
  exitCode: { enum: [0, 1] },
});

/** The JSON Schema of what is printed: a report of one topic, of `all` the list of them, and what `diff` prints. */
export const reportSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:istio-diag:report:v1alpha1',
  title: 'DiagnosisReport',
  description: 'What kubectl istio-diag found: one document for each run.',
  $defs: { report, diff },
  oneOf: [
    { $ref: '#/$defs/report' },
    object({
      apiVersion: { const: API_VERSION },
      kind: { const: 'DiagnosisReportList' },
      items: list({ $ref: '#/$defs/report' }),
      exitCode,
    }),
    { $ref: '#/$defs/diff' },
  ],
} as const;
