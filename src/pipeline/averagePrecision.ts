/**
 * How well scores tell the photos of a class from the others: average precision, the mean over the class's photos, from the best score down, of the share of such photos
 * among those so far (no interpolation; ties in the order given).
 */

/** @param scores one a photo; @param positive whether the photo has the class. @returns 0..1; undefined where no photo has it */
export function averagePrecision(scores: ArrayLike<number>, positive: readonly boolean[]): number | undefined {
  const order = Array.from(positive, (_, i) => i).sort((a, b) => scores[b] - scores[a] || a - b);
  let found = 0;
  let sum = 0;
  order.forEach((photo, i) => {
    if (positive[photo]) sum += ++found / (i + 1);
  });
  return found > 0 ? sum / found : undefined;
}
