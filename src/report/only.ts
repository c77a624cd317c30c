import type { Status } from '../diagnosis/finding.ts';
import type { Report } from './document.ts';

/** A report with those steps and checks alone that came to one of these. What is said of all of it stays. */
export const onlyWith = (report: Report, wanted: ReadonlySet<Status>): Report => ({
  ...report,
  steps: report.steps
    .filter(({ status }) => wanted.has(status))
    .map((step) => ({ ...step, checks: step.checks.filter(({ status }) => wanted.has(status)) })),
});
