/**
 * How the photo is looked at: each layer shown or hidden, alone, how strong and in which style, with what made it; classes shown or hidden, with their areas.
 */
import { useMemo } from 'preact/hooks';
import { group } from '../../shared/runTexts';
import { changeLook, LAYER_ORDER, lookOf } from '../looks';
import type { LayerLook, OpenLayer, OpenPhoto, Page } from '../page';
import { titleWithKey } from '../texts/helpTexts';
import { KIND_SENTENCES, layerText, shortHashes } from '../texts/layerTexts';
import { areasOf } from '../texts/queueTexts';
import { classNames, classText, percent } from '../../shared/texts/words';
import { Checkbox, IconButton, Select, Slider } from './elements';
import { useRestedRevision } from './rested';
import { send } from './send';
import { Swatch } from './swatch';

const STYLES: readonly { value: LayerLook['style']; text: string }[] = [
  { value: 'fill', text: 'Fill' },
  { value: 'outline', text: 'Outline' },
  { value: 'both', text: 'Both' },
];

export function LayersPanel({ page }: { page: Page }) {
  const photo = page.photo.value;
  if (!photo) return <p class="empty">No photo is open.</p>;
  const layers = [...photo.layers].sort((a, b) => LAYER_ORDER.indexOf(b.kind) - LAYER_ORDER.indexOf(a.kind) || (a.classId ?? 0) - (b.classId ?? 0));
  return (
    <>
      {layers.length <= 2 && layers.every(({ kind }) => kind === 'mask' || kind === 'difference') && (
        <p class="empty">There are no layers of this photo: its mask was made elsewhere, or the layers were cleared. The mask itself can be looked at and edited.</p>
      )}
      <ul class="layers">
        {layers.map(layer => (
          <Layer key={layer.key} page={page} layer={layer} />
        ))}
      </ul>
      {!layers.some(({ kind }) => kind === 'truth') && (
        <button type="button" class="link truth" onClick={() => send(page, 'command', { name: 'pickTruth' })}>
          Compare with true masks …
        </button>
      )}
      <Classes page={page} />
    </>
  );
}

function Layer({ page, layer }: { page: Page; layer: OpenLayer }) {
  const { looks } = page;
  const look = lookOf(looks.layers.value, layer);
  const solo = looks.solo.value === layer.key;
  const name = layerText(layer, classNames(page.session.value.classes));
  return (
    <li class={`layer${solo ? ' solo' : ''}`}>
      <div class="row">
        <IconButton
          icon={look.visible ? 'eye' : 'eye-closed'}
          label={`${name}: ${look.visible ? 'shown' : 'hidden'}`}
          tip={look.visible ? 'Hide' : 'Show'}
          pressed={look.visible}
          onClick={() => changeLook(looks, layer, { visible: !look.visible })}
        />
        <span class="grow layer-name" data-tip={KIND_SENTENCES[layer.kind]}>
          {name}
        </span>
        <IconButton
          icon={solo ? 'record' : 'circle-large-outline'}
          label={`${name} alone`}
          tip={titleWithKey('soloLayer', page.session.value.keys)}
          pressed={solo}
          onClick={() => (looks.solo.value = solo ? null : layer.key)}
        />
      </div>
      {(look.visible || solo) && (
        <div class="row look">
          <Slider value={look.opacity} min={0} max={1} step={0.05} label={`Opacity of ${name}`} text={percent(look.opacity)} onInput={opacity => changeLook(looks, layer, { opacity })} />
          {layer.labels && <Select value={look.style} label={`Style of ${name}`} options={STYLES} onChange={style => changeLook(looks, layer, { style })} />}
        </div>
      )}
      <p class="made" data-tip={layer.made}>
        {shortHashes(layer.made)}
      </p>
    </li>
  );
}

function Classes({ page }: { page: Page }) {
  const { classes, items } = page.session.value;
  const names = classNames(classes);
  const revision = useRestedRevision(page);
  const photo = page.photo.value;
  const areas = useMemo(() => areasNow(photo), [photo, revision]);
  const tags = items[photo?.index ?? -1]?.tags ?? [];
  const absent = tags.filter(id => !areas?.some(area => area.id === id)).map(id => ({ id, share: 0, pixels: 0 }));
  const all = [...(areas ?? []), ...absent];
  const hidden = page.looks.hiddenClasses.value;
  if (all.length === 0) return <p class="empty">Nothing is in this mask.</p>;
  const show = (id: number, shown: boolean): void => {
    const next = new Set(hidden);
    if (shown) next.delete(id);
    else next.add(id);
    page.looks.hiddenClasses.value = next;
  };
  return (
    <section aria-label="Classes of this photo">
      <h3>Classes</h3>
      <ul class="classes">
        {all.map(({ id, share, pixels }) => (
          <li key={id} class="row">
            <Checkbox checked={!hidden.has(id)} onChange={shown => show(id, shown)}>
              <Swatch id={id} /> {classText(id, names)}
            </Checkbox>
            <span class="grow" />
            <span class="number" data-tip={`${group(pixels)} pixels`}>
              {pixels === 0 ? 'not in the mask' : percent(share)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Areas of the open mask; null where there is none. */
function areasNow(photo: OpenPhoto | undefined): ReturnType<typeof areasOf> | null {
  const mask = photo?.layers.find(({ kind }) => kind === 'mask')?.labels;
  return mask ? areasOf(mask.data) : null;
}
