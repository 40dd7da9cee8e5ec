/** Trains the networks of a preset on a folder of tagged photos. */
import { SeedMaskError } from '../../shared/errors';
import type { Params, RunSummary } from '../../shared/protocol';
import type { JobContext } from '../context';
import type { Engine } from '../engine';

export async function train({ settings }: Params<'train'>, _context: JobContext, _engine: Engine): Promise<RunSummary> {
  throw new SeedMaskError('unavailable', `nothing is trained by the preset '${settings.preset}'`);
}
