/**
 * The sample photos with their masks: each photo at the moment that the slider is at, and below it a strip of all moments, so that a person sees masks grow.
 */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { LabelMap } from '../../shared/maps';
import type { TrainingSample } from '../../shared/training';
import { compareFrames, STAGE_NAMES, type PhotoSamples } from '../../shared/trainingHistory';
import type { TrainingStatus } from '../../shared/trainingPage';
import { Slider } from '../panels/elements';
import { Swatch } from '../panels/swatch';
import { inkedMask, loadMask, sharesOf } from './maskPicture';

type Moment = Pick<TrainingSample, 'stage' | 'epoch'>;
type Classes = TrainingStatus['classes'];

interface Shown {
  frame: TrainingSample;
  mask: LabelMap | null;
}

export function Samples({ photos, classes }: { photos: readonly PhotoSamples[]; classes: Classes }) {
  const moments = useMemo(() => momentsOf(photos), [photos]);
  // Null: follows the newest.
  const [chosen, choose] = useState<Moment | null>(null);
  const newest = moments.length - 1;
  if (newest < 0) return null;
  const found = chosen ? moments.findIndex(moment => compareFrames(moment, chosen) === 0) : newest;
  const at = found < 0 ? newest : found;
  const show = (index: number): void => choose(index === newest ? null : moments[index]);
  return (
    <section aria-label="Masks by epoch">
      <div class="row">
        <h2 class="grow">Masks by epoch</h2>
        {newest > 0 && <Slider value={at} min={0} max={newest} step={1} label="Masks" text={momentText(moments[at])} onInput={show} />}
        <span class="number moment">{momentText(moments[at])}</span>
      </div>
      <ul class="samples">
        {photos.map(({ photo, frames }) => (
          <li key={photo}>
            <Photo photo={photo} frame={frameAt(frames, moments[at])} classes={classes} />
            <Strip photo={photo} frames={frames} shown={moments[at]} onShow={moment => show(moments.findIndex(one => compareFrames(one, moment) === 0))} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A photo with its mask, and in words what the mask holds. */
function Photo({ photo, frame: wanted, classes }: { photo: string; frame: TrainingSample; classes: Classes }) {
  const { frame, mask } = useShown(wanted);
  const shares = mask ? sharesOf(mask) : [];
  const name = (label: number): string => (label === 255 ? 'undecided' : (classes.find(({ id }) => id === label)?.name ?? `class ${label}`));
  const words = shares.map(({ label, share }) => `${name(label)} ${percentText(share)}`).join(', ');
  return (
    <figure>
      <Picture frame={frame} mask={mask} alt={`${photo}, ${momentText(frame)}: ${mask ? words || 'nothing found' : 'no mask'}`} />
      <figcaption>
        <span class="photo-name">{photo}</span>
        <span class="shares">
          {shares.map(({ label, share }) => (
            <span key={label} class="share-of">
              <Swatch id={label} /> {name(label)} <span class="number">{percentText(share)}</span>
            </span>
          ))}
          {mask && shares.length === 0 && <span class="faint">nothing found</span>}
        </span>
      </figcaption>
    </figure>
  );
}

/** All moments of a photo as small pictures; a click goes there. Follows the newest while it is at its end. */
function Strip({ photo, frames, shown, onShow }: { photo: string; frames: readonly TrainingSample[]; shown: Moment; onShow(moment: Moment): void }) {
  const strip = useRef<HTMLDivElement>(null);
  const current = frameAt(frames, shown);
  useEffect(() => {
    const tile = strip.current?.querySelector<HTMLElement>('[aria-pressed="true"]');
    if (strip.current && tile) strip.current.scrollLeft = tile.offsetLeft + tile.offsetWidth - strip.current.clientWidth;
  }, [current, frames.length]);
  return (
    <div ref={strip} class="strip" role="group" aria-label={`${photo} by epoch`}>
      {frames.map(frame => (
        <button type="button" key={`${frame.stage} ${frame.epoch}`} class="tile" aria-pressed={frame === current} aria-label={momentText(frame)} data-tip={momentText(frame)} onClick={() => onShow(frame)}>
          <Tile frame={frame} />
          <span class="number" aria-hidden="true">
            {frame.epoch}
          </span>
        </button>
      ))}
    </div>
  );
}

function Tile({ frame: wanted }: { frame: TrainingSample }) {
  return <Picture {...useShown(wanted)} alt="" />;
}

function Picture({ frame, mask, alt }: { frame: TrainingSample; mask: LabelMap | null; alt: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  // Before the browser shows the words that go with it.
  useLayoutEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!canvas.current || !context || !mask) return;
    Object.assign(canvas.current, { width: mask.width, height: mask.height });
    context.putImageData(inkedMask(mask), 0, 0);
  }, [mask]);
  return (
    <span class="picture" role={alt ? 'img' : undefined} aria-label={alt || undefined}>
      {frame.picture && <img src={frame.picture} alt="" />}
      {mask && <canvas ref={canvas} aria-hidden="true" />}
    </span>
  );
}

/** What can be shown of a frame: the one before stays, with its words, until the mask of the next is there, so that nothing flickers. No mask where it cannot be read. */
function useShown(frame: TrainingSample): Shown {
  const [shown, setShown] = useState<Shown>({ frame, mask: null });
  useEffect(() => {
    let wanted = true;
    const show = (mask: LabelMap | null): void => void (wanted && setShown({ frame, mask }));
    if (frame.mask === '') show(null);
    else loadMask(frame.mask).then(show, () => show(null));
    return () => void (wanted = false);
  }, [frame]);
  return shown;
}

/** Every stage and epoch that some photo has a mask of, in order. */
function momentsOf(photos: readonly PhotoSamples[]): Moment[] {
  const moments: Moment[] = [];
  for (const { frames } of photos) for (const frame of frames) if (!moments.some(moment => compareFrames(moment, frame) === 0)) moments.push({ stage: frame.stage, epoch: frame.epoch });
  return moments.sort(compareFrames);
}

/** The photo's last mask at or before a moment, or its first. */
function frameAt(frames: readonly TrainingSample[], moment: Moment): TrainingSample {
  return frames.filter(frame => compareFrames(frame, moment) <= 0).at(-1) ?? frames[0];
}

function momentText({ stage, epoch }: Moment): string {
  return `${STAGE_NAMES[stage]}, ${epoch === 0 ? 'before the first epoch' : `epoch ${epoch}`}`;
}

function percentText(share: number): string {
  return share < 0.01 ? '< 1 %' : `${Math.round(100 * share)} %`;
}
