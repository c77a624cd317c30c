import { UsageError } from '../errors.ts';
import { texts } from '../evidence/text/json.ts';
import { dataText } from '../report/data.ts';
import { type Command, WORD } from './command.ts';
import { COMMANDS, flagsOf } from './flags.ts';
import { print } from './io.ts';

export const shippedCommand: Command = (io) => ({
  command: 'shipped <release> [parts..]',
  describe: COMMANDS.shipped,
  builder: (command) =>
    command
      .positional('release', WORD)
      .positional('parts', { ...WORD, array: true })
      .options(flagsOf('shipped')),
  async handler({ release, parts, namespace }) {
    await print(io.stdout, await manifestsOf(String(release), texts(parts), String(namespace)));
  },
});

/** What a release ships, as `kubectl apply -f -` takes it. Throws UsageError where it is not kept, or not shipped. */
async function manifestsOf(release: string, parts: readonly string[], namespace: string): Promise<string> {
  const { shippedNames, shippedObjects } = await import('../guide/missing-metrics/mixer/shipped/objects.ts');
  const objects = await shippedObjects(release, namespace, parts);
  if (objects === null)
    throw new UsageError(
      `what Istio ${JSON.stringify(release)} ships is not kept here: Mixer’s objects of 0.8 to 1.4 are. Since 1.5 istioctl manifest generate prints them`,
    );
  const names = await shippedNames(release);
  const odd = parts.find((part) => !names.includes(part));
  if (odd !== undefined)
    throw new UsageError(`Istio ${release} ships no ${JSON.stringify(odd)} of Mixer’s; there is ${names.join(', ')}`);
  const documents = await Promise.all(objects.map((object) => dataText(object, 'yaml')));
  return documents.map((document) => `---\n${document}`).join('');
}
