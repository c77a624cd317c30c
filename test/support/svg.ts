const COLOURS: Record<string, string> = {
  '31': '#ff7b72',
  '32': '#3fb950',
  '33': '#d29922',
  '35': '#bc8cff',
  '36': '#39c5cf',
};

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** A terminal's output, with its colours, as a picture that needs nothing from anywhere. */
export function svgOf(output: string): string {
  const lines = output
    .trimEnd()
    .split('\n')
    .map((line) => (line.length > 118 && !line.includes('\x1b') ? `${line.slice(0, 117)}…` : line));
  const width = 118 * 7.85 + 32;
  const height = lines.length * 18 + 32;
  const rows = lines.map((line, index) => {
    const spans = line.split('\x1b[').map((part, at) => {
      if (at === 0) return escaped(part);
      const [, code = '0', text = ''] = /^(\d+)m([\s\S]*)$/.exec(part) ?? [];
      if (text === '') return '';
      const style = COLOURS[code]
        ? ` fill="${COLOURS[code]}"`
        : code === '1'
          ? ' font-weight="bold"'
          : code === '2'
            ? ' opacity="0.6"'
            : '';
      return `<tspan${style}>${escaped(text)}</tspan>`;
    });
    return `<text x="16" y="${30 + index * 18}" xml:space="preserve">${spans.join('')}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="kubectl istio-diag missing-metrics in a terminal">`,
    `<rect width="100%" height="100%" rx="8" fill="#0d1117"/>`,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13" fill="#e6edf3">`,
    ...rows,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}
