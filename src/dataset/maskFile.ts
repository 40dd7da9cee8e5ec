/**
 * The mask file: an 8-bit indexed PNG whose values are class ids (0 background, 255 ignore), with all 256 colours of the
 * VOC palette, so that every viewer shows colours and every trainer reads ids. Reading also takes the masks of other
 * tools: fewer bits, grey values as ids, VOC colours as RGB.
 */
import { SeedMaskError } from '../shared/errors';
import type { LabelMap } from '../shared/maps';
import { vocPalette } from '../shared/palette';
import { COLOUR, decodePng, encodePng, type PngSamples } from './png';

/** Masks of more pixels are refused before they are unpacked, unless the caller says otherwise. */
export const MAX_MASK_PIXELS = 400_000_000;

export interface DecodedMask {
  labels: LabelMap;
  /** How the ids were read: palette indices, grey values (never scaled: a 1-bit white is id 1), or VOC colours. */
  kind: 'indexed' | 'grey' | 'rgb';
  /**
   * The indices in use show VOC colours of other ids: some program has probably re-ordered the palette. The labels are
   * the indices all the same, as the file says; a caller should tell the person.
   */
  reordered: boolean;
}

/** `labels.data` as a PNG file. @throws Error if its length is not width x height, or a side is 0. */
export function encodeMask(labels: LabelMap): Uint8Array {
  const { data, width, height } = labels;
  if (width < 1 || height < 1 || data.length !== width * height) throw new Error(`a mask of ${width} x ${height} cannot have ${data.length} pixels`);
  return encodePng(data, width, height, vocPalette());
}

/** @throws SeedMaskError 'bad-mask' (damaged, colours or values that are no ids) or 'too-large' (over `maxPixels`). */
export function decodeMask(bytes: Uint8Array, maxPixels: number = MAX_MASK_PIXELS): DecodedMask {
  const png = decodePng(bytes, maxPixels);
  switch (png.colour) {
    case COLOUR.indexed:
      return fromIndices(png);
    case COLOUR.grey:
    case COLOUR.greyAlpha:
      return { labels: fromGrey(png), kind: 'grey', reordered: false };
    default:
      return { labels: fromColours(png), kind: 'rgb', reordered: false };
  }
}

const packed = (rgb: ArrayLike<number>, at: number): number => (rgb[at] << 16) | (rgb[at + 1] << 8) | rgb[at + 2];

/** VOC colour (packed RGB) -> id. */
function vocIds(): Map<number, number> {
  const palette = vocPalette();
  return new Map(Array.from({ length: 256 }, (_, id) => [packed(palette, id * 3), id]));
}

function fromIndices(png: PngSamples): DecodedMask {
  const data = png.samples instanceof Uint8Array ? png.samples : Uint8Array.from(png.samples);
  const palette = png.palette ?? new Uint8Array();
  const seen = new Uint8Array(256);
  for (let i = 0; i < data.length; i++) seen[data[i]] = 1;
  const used = Array.from(seen.keys()).filter(index => seen[index] === 1);
  const beyond = used.find(index => index * 3 >= palette.length);
  if (beyond !== undefined) throw new SeedMaskError('bad-mask', `index ${beyond} lies outside the palette of ${palette.length / 3} colours`);
  const ids = vocIds();
  const meant = used.map(index => ids.get(packed(palette, index * 3)));
  const reordered = meant.every(id => id !== undefined) && used.some((index, i) => meant[i] !== index);
  return { labels: { data, width: png.width, height: png.height }, kind: 'indexed', reordered };
}

/** Grey values are ids; alpha is ignored. 16-bit files are taken while no value needs more than 8. */
function fromGrey({ samples, channels, width, height }: PngSamples): LabelMap {
  const data = new Uint8Array(width * height);
  for (let i = 0; i < data.length; i++) {
    const value = samples[i * channels];
    if (value > 255) throw new SeedMaskError('bad-mask', `16-bit mask holds the value ${value}; ids end at 255`);
    data[i] = value;
  }
  return { data, width, height };
}

/** VOC colours are ids; alpha is ignored. */
function fromColours({ samples, channels, depth, width, height }: PngSamples): LabelMap {
  if (depth === 16) throw new SeedMaskError('bad-mask', 'masks of 16 bits per colour are not read: save it with 8');
  const ids = vocIds();
  const unknown = new Set<number>();
  const data = new Uint8Array(width * height);
  for (let i = 0; i < data.length; i++) {
    const colour = packed(samples, i * channels);
    const id = ids.get(colour);
    if (id === undefined) unknown.add(colour);
    else data[i] = id;
  }
  if (unknown.size > 0) throw new SeedMaskError('bad-mask', `${unknown.size} colours of the mask are not in the VOC palette: ${listColours(unknown)}`);
  return { data, width, height };
}

function listColours(colours: Set<number>): string {
  const shown = [...colours].sort((a, b) => a - b).slice(0, 8).map(colour => `#${colour.toString(16).padStart(6, '0')}`);
  return shown.join(', ') + (colours.size > shown.length ? ', …' : '');
}
