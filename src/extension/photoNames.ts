/**
 * Which files a person can ask a mask for: the same rule as the `when` clause of *Generate Mask* in the manifest (a test compares them).
 */

export const PHOTO_NAME = /^(?!.*\.(mask|debiased)\.png$).+\.(jpe?g|png|webp|gif|tiff?|avif)$/i;

/** Names of the mask that a run writes for `photo`, the likeliest first (`{name}` serves photos that share a stem). */
export function maskNames(photo: string, outputName: string): string[] {
  const name = photo.slice(photo.lastIndexOf('/') + 1);
  const stem = name.replace(/\.[^.]*$/, '');
  const fill = (pattern: string) => pattern.replaceAll('{stem}', stem).replaceAll('{name}', name);
  return [...new Set([fill(outputName), fill(outputName.replaceAll('{stem}', '{name}'))])];
}
