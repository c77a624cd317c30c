/** Says of each line of a page whether Prometheus takes it. */
export interface Judge {
  /** What is wrong with the line of `bytes` from `start` to `end`, which is before its line end; null for nothing. */
  line(bytes: Buffer, start: number, end: number): string | null;
  /** What is wrong with the page's end: `rest` is a line that does not end, or ''. */
  end(rest: string): string | null;
}
