import type { Loss } from '../diagnosis/check.ts';
import { digits } from '../diagnosis/verdict.ts';
import type { FlowReport } from './document.ts';
import { painted, type Style } from './style.ts';

/** The bars' length at full scale: where there is room, and at least. */
const [LONGEST, SHORTEST] = [40, 6];

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
    share =
      hop.unit === first.unit && first.in && hop.out !== null
        ? Math.min(1, hop.out / first.in)
        : shareAfter(hop, share);
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

/** The line of a flow in which a step loses metrics; -1 where none is the step's, and of callers, whom no line counts. */
const lineOf = (flow: readonly FlowReport[], { step, about }: Loss): number =>
  about === 'callers' ? -1 : flow.findIndex(({ steps }) => steps.includes(step));

/** Whether a flow has a place for a loss. */
export const isPlaced = (flow: readonly FlowReport[], lost: Loss): boolean => lineOf(flow, lost) >= 0;

/** One bar for each stage on a common scale, so that the loss is a change of length; the lost hop is marked. */
export function flowPicture(style: Style, flow: readonly FlowReport[], lost: Loss | null): string {
  const stages = stagesOf(flow);
  const lostIn = lost === null || !isMeasured(flow) ? -1 : lineOf(flow, lost);
  const nameWidth = Math.max(...stages.map(({ name }) => name.length));
  const labelWidth = Math.max(...stages.map(({ label }) => label.length));
  const mark = lostIn < 0 ? '' : `   ${lost?.effect === 'wrong' ? '◀ WRONG FROM HERE' : '◀ LOST HERE'}`;
  // Bars give way before words do.
  const room = style.width - '  '.length * 3 - nameWidth - labelWidth - mark.length;
  const length = Math.max(SHORTEST, Math.min(LONGEST, room));
  return stages
    .map(({ name, share, label }, index) => {
      // Each line ends at the stage behind it.
      const isLost = lostIn >= 0 && index === lostIn + 1;
      const bar = share === null ? '?' : share === 0 ? '▏' : '█'.repeat(Math.max(1, Math.round(share * length)));
      const paint = isLost || share === 0 ? 'red' : share === null ? 'magenta' : 'green';
      const marked = isLost ? `   ${painted(style, 'red', mark.trim())}` : '';
      return `  ${name.padEnd(nameWidth)}  ${painted(style, paint, bar.padEnd(length))}  ${label.padStart(labelWidth)}${marked}`.trimEnd();
    })
    .join('\n');
}

/** `Envoy ──160 reports──▶ Mixer …`, for a flow without a loss, or none that has a place in it; a longer one goes on in the next line, `indent` deep. */
export function flowChain(flow: readonly FlowReport[], width: number, indent: string): string {
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
