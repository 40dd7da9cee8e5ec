/**
 * The line at the bottom: what lies under the pointer, in words and scores; zoom, unsaved edits, what the page said last. And the live region that says changes to
 * screen readers.
 */
import { useEffect, useRef } from 'preact/hooks';
import { STATE_TEXTS } from '../../shared/photoStates';
import { plural } from '../../shared/runTexts';
import type { Page } from '../page';
import { readoutAt, type Readout } from '../readout';
import { arrivedText } from '../texts/queueTexts';
import { shortLayerText } from '../texts/layerTexts';
import { className, classNames, classText, score, type ClassNames } from '../../shared/texts/words';
import { ProgressRing } from './elements';
import { Swatch } from './swatch';

export function StatusLine({ page }: { page: Page }) {
  const { items, dirty, name } = page.session.value;
  const photo = page.photo.value;
  const item = photo && items[photo.index];
  const working = photo && page.working.value.get(photo.index);
  return (
    <div class="status">
      <Pointer page={page} />
      <span class="grow said-last" aria-hidden="true">
        {working ? (
          <>
            <ProgressRing label="Working" /> {working}
          </>
        ) : (
          page.said.value
        )}
      </span>
      {dirty.length > 0 && <span class="part">{plural(dirty.length, 'photo')} with unsaved edits</span>}
      {item && (
        <span class="part">
          {STATE_TEXTS[item.state]} · {photo.view.width} × {photo.view.height}
        </span>
      )}
      <span class="part number" aria-label="Zoom">
        {zoomText(page.viewport.scale.value * devicePixelRatio)}
      </span>
      <span class="part name">{name}</span>
    </div>
  );
}

/** '100 %' is one pixel of the photo on one of the screen. */
function zoomText(scale: number): string {
  const shown = scale * 100;
  return `${shown < 10 ? shown.toFixed(1) : Math.round(shown)} %`;
}

function Pointer({ page }: { page: Page }) {
  const photo = page.photo.value;
  const pointer = page.looks.pointer.value;
  const readout = photo && pointer ? readoutNow(page) : undefined;
  if (!readout) return <span class="part pointer">–</span>;
  const names = classNames(page.session.value.classes);
  return (
    <span class="part pointer">
      <span class="number">
        {readout.x}, {readout.y}
      </span>
      {readout.label !== undefined && (
        <span class="class">
          <Swatch id={readout.label} /> {classText(readout.label, names)}
        </span>
      )}
      <span class="faint">{layersText(readout, names)}</span>
    </span>
  );
}

/** The open mask is written into in place, so its changes are followed by their count. */
function readoutNow(page: Page): Readout | undefined {
  const photo = page.photo.value;
  const pointer = page.looks.pointer.value;
  return photo && pointer && page.revision.value >= 0 ? readoutAt(photo, pointer.x, pointer.y) : undefined;
}

/** 'CAM boat 0.61 · seed ignore': layers in short, since the line is; labels of background are left out. */
function layersText({ layers }: Readout, names: ClassNames): string {
  return layers
    .flatMap(layer => {
      if ('score' in layer) return [`${shortLayerText(layer.kind)} ${className(layer.classId, names)} ${score(layer.score)}`];
      return layer.label === 0 ? [] : [`${shortLayerText(layer.kind)} ${className(layer.label, names)}`];
    })
    .join(' · ');
}

/** Says every new photo and everything else that the page says. */
export function LiveRegion({ page }: { page: Page }) {
  const photo = page.photo.value;
  const last = useRef<unknown>(undefined);
  useEffect(() => {
    if (!photo || photo === last.current) return;
    last.current = photo;
    const { items, classes, dirty } = page.session.peek();
    const item = items[photo.index];
    if (!item) return;
    const order = page.panels.order.peek();
    page.say(arrivedText(item, order ? order.indexOf(photo.index) : photo.index, order?.length ?? items.length, classNames(classes), dirty.includes(photo.index)));
  }, [photo]);
  return (
    <div class="unseen" role="status" aria-live="polite" aria-atomic="true">
      {page.said.value}
    </div>
  );
}
