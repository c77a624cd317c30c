import type { KubernetesObject } from '../question/cluster.ts';

/**
 * Makes objects share what is equal in them: the pods of a workload are alike but for their names and addresses, and
 * each that comes from the API server would have labels and containers of its own.
 */
export class Pool {
  private readonly known = new Map<string, unknown>();

  share({ metadata, spec, status }: KubernetesObject): void {
    for (const part of [metadata, spec, status]) {
      if (typeof part === 'object' && part !== null) this.shareIn(part as Record<string, unknown>);
    }
  }

  private shareIn(part: Record<string, unknown>): void {
    for (const name in part) {
      const value = part[name];
      if (typeof value !== 'object' || value === null) continue;
      const text = textOf(value);
      if (text === null) continue;
      const known = this.known.get(text);
      if (known === undefined) this.known.set(text, value);
      else part[name] = known;
    }
  }
}

/** null of what is nested deeper than can be written: nobody else has it. */
function textOf(value: object): string | null {
  try {
    return JSON.stringify(value);
  } catch {
    return null;
  }
}
