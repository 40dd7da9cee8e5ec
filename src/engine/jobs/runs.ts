/** The runs of a data set, newest first. */
import { listRuns } from '../../dataset/runs';
import type { Params, Result } from '../../shared/protocol';

export async function runs({ root }: Params<'runs'>): Promise<Result<'runs'>> {
  return { runs: (await listRuns(root)).map(({ summary }) => summary) };
}
