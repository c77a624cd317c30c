import { loadAll } from 'js-yaml';
import type { Report } from '../../src/report/document.ts';
import { istiodObject, modernMesh, productpageObject } from './modern.ts';
import type { RecordedObject } from './recordings.ts';
import { reported } from './run.ts';
import { type StandInOptions, startStandIn } from './stand-in.ts';

/** The definitions of the kinds that an input has, in the versions that are asked for. */
function definitionsOf(objects: readonly RecordedObject[]): readonly RecordedObject[] {
  const kinds = new Map(
    objects.flatMap(({ apiVersion, kind }) =>
      apiVersion.includes('/') ? [[`${kind} ${apiVersion}`, { kind, apiVersion }]] : [],
    ),
  );
  return [...kinds.values()].map(({ kind, apiVersion }) => {
    const [group = '', version = ''] = apiVersion.split('/');
    const plural = kind === 'ServiceEntry' ? 'serviceentries' : `${kind.toLowerCase()}s`;
    return {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${group}` },
      spec: { group, names: { plural, kind }, versions: [{ name: version }] },
    };
  });
}

/** In the version of Istio's kinds that every release serves. */
const served = (object: RecordedObject): RecordedObject => ({
  ...object,
  // What is written down of a pod runs, unless it says otherwise.
  ...(object.kind === 'Pod' &&
    !('status' in object) && { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } }),
  apiVersion: object.apiVersion
    .replace(/^networking\.istio\.io\/v1$/, 'networking.istio.io/v1alpha3')
    .replace(/^security\.istio\.io\/v1$/, 'security.istio.io/v1beta1'),
});

/** What a topic says of the smallest mesh with these objects, as YAML, beside. */
export async function reportOn(text: string, topic: string, options: StandInOptions = {}): Promise<Report> {
  const objects = (loadAll(text) as RecordedObject[]).map(served);
  const mesh = modernMesh(istiodObject(), productpageObject(), ...definitionsOf(objects), ...objects);
  const standIn = await startStandIn(mesh, options);
  try {
    return (await reported([topic], { env: { KUBECONFIG: standIn.kubeconfig } })).report;
  } finally {
    await standIn.close();
  }
}
