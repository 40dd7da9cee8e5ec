/** What debiasing says of the classes of a data set, as it is written there. */
import { readClassEvidence } from '../../dataset/evidenceStore';
import type { ClassEvidence } from '../../shared/evidence';
import type { Params } from '../../shared/protocol';
import { reviewSet } from './reviewSet';

/** None where debiasing did not run. */
export async function reviewClasses({ root }: Params<'reviewClasses'>): Promise<{ classes: ClassEvidence[] }> {
  return { classes: await readClassEvidence((await reviewSet(root, undefined)).home) };
}
