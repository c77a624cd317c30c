import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadAll } from 'js-yaml';
import { RELEASES, shippedObjects } from '../../../src/guide/missing-metrics/mixer/shipped/objects.ts';
import { loadRecording, type RecordedObject } from '../../support/recordings.ts';
import { ran } from '../../support/run.ts';

const nameOf = ({
  kind,
  metadata: { namespace, name },
}: {
  kind: string;
  metadata: { namespace?: string; name: string };
}) => `${kind} ${namespace}/${name}`;

/** What 0.8 limits to a protocol by a label counts as much as what an object says. */
const wholeOf = (object: { kind: string; metadata: RecordedObject['metadata']; spec?: unknown }) => ({
  name: nameOf(object),
  protocol: object.metadata.labels?.['istio-protocol'],
  spec: object.spec,
});

/** What a healthy mesh has of Mixer's metrics: all but what writes lines into a log. */
const recorded = (release: string) =>
  loadRecording(`istio-${release}/healthy`)
    .objects.filter(
      ({ apiVersion, kind, metadata }) =>
        apiVersion === 'config.istio.io/v1alpha2' && kind !== 'stdio' && !metadata.name.includes('stdio'),
    )
    .map((object) => wholeOf(object))
    .sort((a, b) => a.name.localeCompare(b.name));

describe('what a release with Mixer ships for its metrics', () => {
  for (const release of ['0.8.0', '1.0.6', '1.1.0', '1.3.8'])
    it(`of ${release} is what its chart has installed`, async () => {
      const shipped = (await shippedObjects(release, 'istio-system', [])) ?? assert.fail();
      assert.deepEqual(
        shipped.map((object) => wholeOf(object)).sort((a, b) => a.name.localeCompare(b.name)),
        recorded(release),
      );
    });

  it('is in the namespace that is asked for, also where a handler names its instances', async () => {
    const shipped = JSON.stringify(await shippedObjects('1.4.10', 'mesh', []));
    assert.doesNotMatch(shipped, /istio-system/);
    assert.match(shipped, /"instance_name":"requestcount\.instance\.mesh"/);
  });

  it('is printed whole, or by parts and objects, to be applied', async () => {
    const names = async (...argv: readonly string[]) => {
      const { code, stdout, stderr } = await ran(['shipped', ...argv]);
      assert.deepEqual([code, stderr], [0, '']);
      return loadAll(stdout).map((object) => nameOf(object as Parameters<typeof nameOf>[0]));
    };
    assert.deepEqual(await names('1.0.6', 'handler'), ['prometheus istio-system/handler']);
    assert.deepEqual(await names('1.3', 'rules/promtcp', 'instances/tcpbytesent', '-n', 'mesh'), [
      'instance mesh/tcpbytesent',
      'rule mesh/promtcp',
    ]);
    for (const release of RELEASES) assert.ok((await names(release)).length >= 15, release);
  });

  it('is refused in a line where it is not kept, or not shipped', async () => {
    for (const [argv, words] of [
      [['0.7.1'], /^error: what Istio "0\.7\.1" ships is not kept here: .*\n$/],
      [['1.31.0'], /^error: what Istio "1\.31\.0" ships is not kept here: .*\n$/],
      [['latest'], /^error: what Istio "latest" ships is not kept here: .*\n$/],
      [
        ['1.0', 'handlers'],
        /^error: Istio 1\.0 ships no "handlers" of Mixer’s; there is attributes, .*, handler, .*\n$/,
      ],
      [[], /^error: a word is missing: .*\n$/],
    ] as const) {
      const { code, stdout, stderr } = await ran(['shipped', ...argv]);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, words);
    }
  });
});
