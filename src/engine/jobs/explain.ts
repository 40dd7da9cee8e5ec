/** What debiasing removed of a photo's mask, and why: its evidence, a person's choices, and what the data set says about its classes. */
import { Choices } from '../../dataset/choices';
import { readClassTable } from '../../dataset/classTable';
import { homeOf } from '../../dataset/debiased';
import { readClassEvidence, readMarsLayers, readRegions } from '../../dataset/evidenceStore';
import { SeedMaskError } from '../../shared/errors';
import type { Explanation, Params } from '../../shared/protocol';

/** @throws SeedMaskError 'unavailable' if the photo's mask was not debiased */
export async function explain({ root, settings, photo }: Params<'explain'>): Promise<Explanation> {
  const home = await homeOf(root, settings.outputName);
  const layers = await readMarsLayers(home, photo);
  if (!layers) {
    throw new SeedMaskError('unavailable', 'nothing is known of a debiasing of its mask: it has none of SeedMask, or debiasing did not run', photo);
  }
  const [regions, choices, classes, table] = await Promise.all([readRegions(home, photo), Choices.read(home), readClassEvidence(home), readClassTable(root)]);
  const evidence = regions.map(region => {
    const { pixels: _, ...record } = region;
    return { ...record, choice: choices.of(region) };
  });
  const own = new Set(evidence.map(({ classId }) => classId));
  const here = classes.filter(({ classId, clusters }) => own.has(classId) || clusters.some(cluster => cluster.photo === photo));
  const { width, height } = layers.before;
  return { photo, size: { width, height }, classes: here, evidence, names: table.classes.map(({ id, name }) => ({ id, name })) };
}
