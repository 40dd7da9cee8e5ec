/**
 * Which step brought a region of the mask: the sentence, the shares of the steps, the scores in the layers under it.
 */
import { useMemo } from 'preact/hooks';
import type { OpenPhoto, Page } from '../page';
import { explainMaskRegion, originText, REGION_STEPS, scoresText, seedText, stepText, type RegionOrigin } from '../texts/explainMaskRegion';
import { shortHashes } from '../texts/layerTexts';
import { classNames, percent, type ClassNames } from '../../shared/texts/words';
import { useRestedRevision } from './rested';

export function MaskRegion({ page, photo, at }: { page: Page; photo: OpenPhoto; at: { x: number; y: number } }) {
  const names = classNames(page.session.value.classes);
  const revision = useRestedRevision(page);
  const origin = useMemo(() => originOf(photo, at), [photo, at, revision]);
  if (!origin) return <p class="empty">Here is background: no step put a class here.</p>;
  if (origin.missing.includes('cam') && origin.missing.includes('refined')) {
    return <p class="empty">There are no maps of this class, so it cannot be told which step brought this region: the mask was made elsewhere, or a person painted the class.</p>;
  }
  return (
    <article class="evidence" aria-label="Which step brought this region">
      <p class="decision">{originText(origin, names)}</p>
      <ul class="what-ifs">
        {REGION_STEPS.filter(step => origin.steps[step] > 0).map(step => (
          <li key={step} aria-current={origin.here === step ? 'true' : undefined}>
            <span class="number">{percent(origin.steps[step])}</span>
            <span>
              {stepText(step)}
              {origin.here === step && ' (the point clicked)'}
            </span>
            <meter class="share" min={0} max={1} value={origin.steps[step]} aria-hidden="true" />
          </li>
        ))}
      </ul>
      <Scores origin={origin} names={names} />
      {origin.missing.includes('before') && <p class="faint">The mask as SeedMask made it is not kept for this photo, so a person's strokes are counted with the last steps.</p>}
      <Made photo={photo} origin={origin} />
    </article>
  );
}

function Scores({ origin, names }: { origin: RegionOrigin; names: ClassNames }) {
  return (
    <table class="provenance">
      <tbody>
        {origin.cam && (
          <tr>
            <th scope="row">CAM</th>
            <td>{scoresText(origin.cam)}</td>
          </tr>
        )}
        {origin.refined && (
          <tr>
            <th scope="row">Refined map</th>
            <td>{scoresText(origin.refined)}</td>
          </tr>
        )}
        {origin.seed && (
          <tr>
            <th scope="row">Seed</th>
            <td>{seedText(origin.seed, origin.classId, names)}</td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

/** What made the layers that were asked. */
function Made({ photo, origin }: { photo: OpenPhoto; origin: RegionOrigin }) {
  const layers = photo.layers.filter(({ kind, classId, made }) => made !== '' && (kind === 'seed' || kind === 'before' || ((kind === 'cam' || kind === 'refined') && classId === origin.classId)));
  return (
    <details>
      <summary>What made these layers</summary>
      <ul class="made">
        {layers.map(({ key, made }) => (
          <li key={key} data-tip={made}>
            {shortHashes(made)}
          </li>
        ))}
      </ul>
    </details>
  );
}

function originOf(photo: OpenPhoto, at: { x: number; y: number }): RegionOrigin | undefined {
  const labels = photo.layers.find(({ kind }) => kind === 'mask')?.labels;
  if (!labels) return undefined;
  const thresholds = new Map(photo.view.layers.map(({ kind, classId, thresholds: values }) => [classId === undefined ? kind : `${kind}:${classId}`, values]));
  // A mask of another size than the photo's is stretched over it.
  const point = { x: (at.x * labels.width) / photo.view.width, y: (at.y * labels.height) / photo.view.height };
  return explainMaskRegion({ labels, layers: photo.layers, thresholds }, point);
}
