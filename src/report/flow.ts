import { digits } from '../diagnosis/verdict.ts';
import type { Loss } from './losses.ts';
import type { FlowReport } from './report.ts';
import { painted, type Style } from './style.ts';

/** The bars' length at full scale. */
const LENGTH = 40;

interface Stage {
  name: string;
  /** Of the flow's first quantity, 0 to 1; null is not measured. */
  share: number | null;
  label: string;
}

const quantity = (number: number | null, unit: string): string =>
  number === null ? `? ${unit}` : `${digits(number)} ${unit}`;

/** What is left after each hop: a share of what came in, so that quantities of different units fit one picture. */
function stagesOf(flow: readonly FlowReport[]): readonly Stage[] {
  const [first] = flow;
  if (!first) return [];
  const start = first.in === null ? null : first.in > 0 ? 1 : 0;
  const stages: Stage[] = [{ name: first.from, share: start, label: quantity(first.in, first.unit) }];
  let share = start;
  for (const hop of flow) {
    // Of one quantity each number is a share of the first, whatever lies between.
    const isSame = hop.unit === first.unit && first.in !== null && first.in > 0 && hop.out !== null;
    share = isSame ? Math.min(1, (hop.out ?? 0) / (first.in ?? 1)) : shareAfter(hop, share);
    stages.push({ name: hop.to, share, label: quantity(hop.out, hop.unit) });
  }
  return stages;
}

function shareAfter({ in: before, out }: FlowReport, share: number | null): number | null {
  if (out === null) return null;
  if (out === 0) return 0;
  // Whatever could not be measured before, something arrives here.
  if (before === null || before === 0 || share === null || share === 0) return 1;
  return share * Math.min(1, out / before);
}

/** Whether any number of a flow is known: where none is, a picture would only look as if something had been seen. */
export const isMeasured = (flow: readonly FlowReport[]): boolean =>
  flow.some(({ in: before, out }) => before !== null || out !== null);

/** One bar for each stage on a common scale, so that the loss is a change of length; the lost hop is marked. */
export function flowPicture(style: Style, flow: readonly FlowReport[], lost: Loss | null): string {
  const stages = stagesOf(flow);
  const lostAt = lost === null || !isMeasured(flow) ? -1 : flow.findIndex(({ steps }) => steps.includes(lost.step)) + 1;
  const nameWidth = Math.max(...stages.map(({ name }) => name.length));
  const labelWidth = Math.max(...stages.map(({ label }) => label.length));
  return stages
    .map(({ name, share, label }, index) => {
      const isLost = index === lostAt;
      const bar = share === null ? '?' : share === 0 ? '▏' : '█'.repeat(Math.max(1, Math.round(share * LENGTH)));
      const paint = isLost || share === 0 ? 'red' : share === null ? 'magenta' : 'green';
      const marked = isLost
        ? `   ${painted(style, 'red', lost?.effect === 'wrong' ? '◀ WRONG FROM HERE' : '◀ LOST HERE')}`
        : '';
      return `  ${name.padEnd(nameWidth)}  ${painted(style, paint, bar.padEnd(LENGTH))}  ${label.padStart(labelWidth)}${marked}`.trimEnd();
    })
    .join('\n');
}

/** `Envoy ──160 reports──▶ Mixer …`, for a flow without a loss; a longer one goes on in the next line, `indent` deep. */
export function flowChain(flow: readonly FlowReport[], width = Number.POSITIVE_INFINITY, indent = ''): string {
  const [first] = flow;
  if (!first) return '';
  const lines = [first.from];
  for (const { to, out, unit } of flow) {
    const hop = `──${quantity(out, unit)}──▶ ${to}`;
    const line = `${lines.at(-1)} ${hop}`;
    if (indent.length + line.length <= width) lines.splice(-1, 1, line);
    else lines.push(hop);
  }
  return lines.join(`\n${indent}`);
}
