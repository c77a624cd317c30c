export const [MINUTE, HOUR, DAY] = [60, 3600, 86_400];

/** Samples of one series: from when to when, and how often, in seconds before `now`. */
export interface Line {
  name: string;
  labels: Readonly<Record<string, string>>;
  from: number;
  to: number;
  every: number;
  /** Its value at a time; the time itself by default. */
  value?: (at: number) => number;
}

function linesOf({ name, labels, from, to, every, value = (at) => at }: Line, now: number): readonly string[] {
  const lines: string[] = [];
  const text = Object.entries(labels).map(([label, each]) => `${label}="${each}"`);
  for (let at = now - from; at <= now - to; at += every) lines.push(`${name}{${text.join(',')}} ${value(at)} ${at}`);
  return lines;
}

/** What a store has of the past, as OpenMetrics, which wants the samples of each metric together. `now` in seconds. */
export function pastOf(lines: readonly Line[], now: number): string {
  const names = [...new Set(lines.map(({ name }) => name))];
  const of = (name: string): readonly string[] => [
    `# TYPE ${name} gauge`,
    ...lines.filter((line) => line.name === name).flatMap((line) => linesOf(line, now)),
  ];
  return `${names.flatMap(of).join('\n')}\n# EOF\n`;
}
