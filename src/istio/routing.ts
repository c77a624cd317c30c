import type { DestinationRules } from './destination-rules.ts';
import type { Registry } from './services.ts';
import type { Sidecar } from './sidecars.ts';
import type { MergedVirtualService } from './virtual-services.ts';

/** The objects of a mesh that decide where calls go. */
export interface Routing {
  /** The root namespace of the mesh. */
  root: string;
  registry: Registry;
  destinationRules: DestinationRules;
  /** The oldest first. */
  virtualServices: readonly MergedVirtualService[];
  sidecars: readonly Sidecar[];
}
