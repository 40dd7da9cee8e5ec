/**
 * What is different between the mask now and another one (on disk, where something else changed it; else before debiasing, where that is known; else as it was loaded): a label map of its own with one code
 * per kind of change. Made when it is first looked at, then kept up to date by rectangles.
 */
import type { Rect } from '../shared/labelPatch';
import { decodeRuns } from '../shared/labelRuns';
import type { LabelMap } from '../shared/maps';
import type { OpenLayer } from './page';

/** Codes of the difference. */
export const DIFFERENCE = { same: 0, added: 1, removed: 2, changed: 3 } as const;

/** The difference layer of a mask. `layers`: those of its photo. `runs`: the mask as loaded, undefined for an empty one; taken where no layer is compared with. */
export function differenceLayer(mask: LabelMap, layers: readonly OpenLayer[], runs: Uint8Array | undefined): OpenLayer {
  const labelsOf = (wanted: OpenLayer['kind']): LabelMap | undefined => layers.find(({ kind }) => kind === wanted)?.labels;
  const [disk, before] = [labelsOf('disk'), labelsOf('before')];
  const against = disk ? 'the mask on disk' : before ? 'the mask before debiasing' : 'the mask as it was opened';
  return new DifferenceLayer(mask, disk ?? before, runs, `The mask now against ${against}`);
}

class DifferenceLayer implements OpenLayer {
  readonly key = 'difference';
  readonly kind = 'difference';
  private map: LabelMap | undefined;
  private base: LabelMap | undefined;

  constructor(
    private readonly mask: LabelMap,
    before: LabelMap | undefined,
    private readonly runs: Uint8Array | undefined,
    readonly made: string,
  ) {
    this.base = before;
  }

  get labels(): LabelMap {
    if (!this.map) {
      const { width, height } = this.mask;
      this.base ??= { data: this.runs ? decodeRuns(this.runs, width * height) : new Uint8Array(width * height), width, height };
      this.map = { data: new Uint8Array(width * height), width, height };
      writeDifference(this.map, this.mask, this.base, { x: 0, y: 0, width, height });
    }
    return this.map;
  }

  /** The mask has changed inside `rect`. */
  update(rect: Rect): void {
    if (this.map && this.base) writeDifference(this.map, this.mask, this.base, rect);
  }
}

/** Brings the difference of the photo's layers up to date. */
export function updateDifference(layers: readonly OpenLayer[], rect: Rect): void {
  for (const layer of layers) if (layer instanceof DifferenceLayer) layer.update(rect);
}

/** Writes the codes inside `rect`; `base` may have another size and covers the same picture. */
export function writeDifference(out: LabelMap, mask: LabelMap, base: LabelMap, rect: Rect): void {
  const same = base.width === mask.width && base.height === mask.height;
  const columns = same ? undefined : Int32Array.from({ length: rect.width }, (_, i) => Math.floor(((rect.x + i + 0.5) * base.width) / mask.width));
  for (let y = rect.y; y < rect.y + rect.height; y++) {
    const row = y * mask.width + rect.x;
    const baseRow = columns ? Math.floor(((y + 0.5) * base.height) / mask.height) * base.width : row;
    for (let i = 0; i < rect.width; i++) {
      const was = base.data[columns ? baseRow + columns[i] : baseRow + i];
      const is = mask.data[row + i];
      out.data[row + i] = was === is ? DIFFERENCE.same : was === 0 ? DIFFERENCE.added : is === 0 ? DIFFERENCE.removed : DIFFERENCE.changed;
    }
  }
}
