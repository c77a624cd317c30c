import type { Gatherer } from '../../diagnosis/gather.ts';
import { DiagError, type Unanswered } from '../../errors.ts';
import type { Arguments } from '../arguments.ts';
import type { Io } from '../io.ts';
import type { Session } from '../session.ts';

/** What a helper works with. */
export interface Work {
  args: Arguments;
  session: Session;
  gatherer: Gatherer;
  json: boolean;
  io: Io;
}

/** What a helper prints, and what it could not look at. */
export interface Told {
  text: string;
  missing: readonly Unanswered[];
}

/** There is nobody to ask. */
export class NoIstio extends DiagError {
  constructor() {
    super('no replica of Pilot or istiod runs in this cluster');
  }
}
