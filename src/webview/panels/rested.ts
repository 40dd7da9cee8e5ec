/**
 * Values that follow the open mask a moment after it changed: going through 24 megapixels at each touch of the brush would be felt.
 */
import { useEffect, useState } from 'preact/hooks';
import type { Page } from '../page';

/** After the last change, ms. */
const REST = 250;

/** `page.revision`, once the mask has rested; at once for another photo. */
export function useRestedRevision(page: Page): number {
  const revision = page.revision.value;
  const photo = page.photo.value;
  const [rested, setRested] = useState({ revision, photo });
  useEffect(() => {
    if (rested.photo !== photo) return setRested({ revision, photo });
    const timer = setTimeout(() => setRested({ revision, photo }), REST);
    return () => clearTimeout(timer);
  }, [revision, photo]);
  return rested.revision;
}
