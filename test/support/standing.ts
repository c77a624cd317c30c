import { loadRecording, type Recording } from './recordings.ts';
import { type StandIn, type StandInOptions, startStandIn } from './stand-in.ts';

/** Runs `use` with a stand-in of a recording, changed by `change`, and takes it down on every way out. */
export async function withStandIn<T>(
  name: string,
  use: (standIn: StandIn, env: { KUBECONFIG: string }) => Promise<T>,
  options: StandInOptions & { change?: (recording: Recording) => void } = {},
): Promise<T> {
  const recording = loadRecording(name);
  options.change?.(recording);
  const standIn = await startStandIn(recording, options);
  try {
    return await use(standIn, { KUBECONFIG: standIn.kubeconfig });
  } finally {
    await standIn.close();
  }
}
