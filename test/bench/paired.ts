/** How often the two are run, in turns. */
const ROUNDS = Number(process.env.ROUNDS ?? 11);

export const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;

export const timed = async (run: () => unknown): Promise<number> => {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
};

/** Runs both in turns, and prints the median of each, and that of our share of the rival's time. */
export async function compare(name: string, ours: () => unknown, rival: () => unknown): Promise<void> {
  const pairs: [number, number][] = [];
  await ours();
  await rival();
  for (let round = 0; round < ROUNDS; round++) {
    // Which one is first changes: the second finds a warmer machine.
    if (round % 2 === 0) pairs.push([await timed(ours), await timed(rival)]);
    else {
      const second = await timed(rival);
      pairs.push([await timed(ours), second]);
    }
  }
  const seconds = (index: 0 | 1): string => `${median(pairs.map((pair) => pair[index])).toFixed(3)} s`;
  const share = median(pairs.map(([a, b]) => a / b)).toFixed(2);
  process.stdout.write(`${name.padEnd(36)} ${seconds(0)}  rival ${seconds(1)}  share ${share}\n`);
}
