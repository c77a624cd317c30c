import { after } from 'node:test';
import type { Report } from '../../../src/report/document.ts';
import type { RecordedObject } from '../recordings.ts';
import { type Ran, reported, type World } from '../run.ts';
import { assertSchema } from '../schema.ts';
import { type StandIn, type StandInOptions, startStandIn } from '../stand-in.ts';
import { startFront } from './front.ts';
import type { OtherAnswer } from './plan.ts';
import type { Built } from './scenario.ts';
import { startScraping } from './scraping.ts';

/** What is bad about a mesh that is looked at, or about who looks. */
export interface Bad {
  argv?: readonly string[];
  /** Changes the objects and pages of a copy of the mesh. */
  change?: (mesh: Built['recording']) => void;
  /** What its Prometheus answers in place of a real one. */
  others?: readonly OtherAnswer[];
  options?: StandInOptions;
  world?: (standIn: StandIn) => World;
}

export type Seen = Ran & { report: Report };

/** A mesh whose Prometheus is a real one, to be looked at many times, each time with something else that is bad. */
export interface Standing {
  look: (bad?: Bad) => Promise<Seen>;
  /** Anything else that is run with its kubeconfig. */
  use: <T>(bad: Bad, run: (standIn: StandIn) => Promise<T>) => Promise<T>;
  close: () => Promise<void>;
}

/** Takes away those objects of a mesh that `keep` does not keep. */
export function keepOnly(objects: RecordedObject[], keep: (object: RecordedObject) => boolean): void {
  objects.splice(0, objects.length, ...objects.filter(keep));
}

async function startMesh({ recording, plan }: Built): Promise<Standing> {
  const scraping = await startScraping(recording, plan);
  async function use<T>({ change, others = [], options = {} }: Bad, run: (standIn: StandIn) => Promise<T>): Promise<T> {
    const copy = { ...recording, objects: structuredClone(recording.objects), pages: new Map(recording.pages) };
    change?.(copy);
    const front = await startFront(scraping.port, { ...plan, others });
    try {
      const forwardTo = new Map([[`${plan.pod}:${plan.port}`, front.port], ...(options.forwardTo ?? [])]);
      const standIn = await startStandIn(copy, { ...options, forwardTo });
      try {
        return await run(standIn);
      } finally {
        await standIn.close();
      }
    } finally {
      await front.close();
    }
  }
  return {
    use,
    look: (bad = {}) =>
      use(bad, async (standIn) => {
        const env = { KUBECONFIG: standIn.kubeconfig };
        const seen = await reported(bad.argv ?? ['missing-metrics'], { env, ...bad.world?.(standIn) });
        assertSchema(seen.report);
        return seen;
      }),
    close: scraping.close,
  };
}

/** A mesh that stands while it is used, and is taken down on every way out. */
export async function withStanding<T>(mesh: Built, use: (standing: Standing) => Promise<T>): Promise<T> {
  const standing = await startMesh(mesh);
  try {
    return await use(standing);
  } finally {
    await standing.close();
  }
}

/** A mesh for all tests of a suite or of a file: the first that asks starts it, and it is taken down behind the last. */
export function sharedMesh(mesh: () => Built): () => Promise<Standing> {
  let standing: Promise<Standing> | null = null;
  after(async () => (await standing?.catch(() => null))?.close());
  return () => {
    standing ??= startMesh(mesh());
    return standing;
  };
}
