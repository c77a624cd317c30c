import type { Gatherer } from '../../diagnosis/gather.ts';
import { DiagError, type Unanswered } from '../../errors.ts';
import type { Style } from '../../report/style.ts';
import type { Arguments } from '../arguments.ts';
import type { Io } from '../io.ts';
import type { Session } from '../session.ts';

/** What a helper works with. */
export interface Work {
  args: Arguments;
  session: Session;
  gatherer: Gatherer;
  io: Io;
}

/** What a helper shows: programs the data, people the text. */
export interface Shown {
  data: unknown;
  text(style: Style): string;
}

/** And what it could not look at. */
export interface Told extends Shown {
  missing: readonly Unanswered[];
}

/** There is nobody to ask. */
export class NoIstio extends DiagError {
  constructor() {
    super('no replica of Pilot or istiod runs in this cluster');
  }
}
