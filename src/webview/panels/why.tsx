/**
 * "Why": of a removed region the whole chain of its evidence, of a region of the mask the step that brought it, and else a list of what was removed here.
 */
import { useMemo } from 'preact/hooks';
import type { Choice } from '../../shared/evidence';
import type { PhotoView } from '../../shared/review';
import { plural } from '../../shared/runTexts';
import { choicesOf, saidOn } from '../choices';
import type { OpenPhoto, Page } from '../page';
import { keyOf } from '../texts/helpTexts';
import { className, classNames, pixels, placeText } from '../../shared/texts/words';
import { EvidencePanel } from './evidence';
import { MaskRegion } from './maskRegion';
import { useRestedRevision } from './rested';
import { Swatch } from './swatch';

export type PhotoEvidence = PhotoView['evidence'][number];

export function WhyPanel({ page }: { page: Page }) {
  const photo = page.photo.value;
  return photo ? <WhyOf page={page} photo={photo} /> : <p class="empty">No photo is open.</p>;
}

function WhyOf({ page, photo }: { page: Page; photo: OpenPhoto }) {
  const selected = page.hand.selected.value;
  const revision = useRestedRevision(page);
  const words = saidOn(photo.view).value;
  const choices = useMemo(() => choicesOf(photo, words), [photo, words, revision]);
  const evidence = selected && 'evidence' in selected ? photo.view.evidence.find(({ id }) => id === selected.evidence) : undefined;
  return (
    <>
      {evidence && <EvidencePanel key={evidence.id} page={page} photo={photo} evidence={evidence} choice={choices.get(evidence.id) ?? null} />}
      {selected && 'classId' in selected && <MaskRegion page={page} photo={photo} at={selected} />}
      <RemovedRegions page={page} photo={photo} chosen={evidence} choices={choices} />
    </>
  );
}

/** Everything that was removed of this photo, to choose from. */
function RemovedRegions({ page, photo, chosen, choices }: { page: Page; photo: OpenPhoto; chosen: PhotoEvidence | undefined; choices: ReadonlyMap<string, Choice | null> }) {
  const { evidence } = photo.view;
  const names = classNames(page.session.value.classes);
  const key = keyOf('region', page.session.value.keys);
  const how = `Click a region of the mask with the region tool${key && ` (${key})`} to see which step brought it.`;
  if (evidence.length === 0) return <p class="empty">Nothing was removed of this photo. {how}</p>;
  const choose = (one: PhotoEvidence): void => {
    page.hand.selected.value = { evidence: one.id };
    const [x, y, width, height] = one.box;
    page.viewport.reveal({ x, y, width, height });
  };
  return (
    <section aria-label="Removed regions">
      <h3>{plural(evidence.length, 'removed region')}</h3>
      <ul class="regions">
        {[...evidence]
          .sort((a, b) => b.area - a.area)
          .map(one => (
            <li key={one.id}>
              <button type="button" class="region-button" aria-current={one === chosen ? 'true' : undefined} onClick={() => choose(one)}>
                <Swatch id={one.classId} />
                <span class="grow">
                  {className(one.classId, names)}, {placeText(one.box, photo.view)}, {pixels(one.area)}
                </span>
                <span class="faint">{choices.get(one.id) ?? (one.stable ? 'stable' : 'fragile')}</span>
              </button>
            </li>
          ))}
      </ul>
      {!chosen && <p class="faint">{how}</p>}
    </section>
  );
}
