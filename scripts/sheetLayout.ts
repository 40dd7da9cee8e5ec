/**
 * Puts a contact sheet together: title, column heads, rows of cells with captions, and a legend. Words and lines are one SVG layer; the pictures are laid on it.
 */
import sharp, { type OverlayOptions } from 'sharp';
import { classColour, HEAT } from './sheetPanels';
import type { RgbImage } from '../src/shared/maps';

export interface SheetRow {
  photo: string;
  mask: string;
  /** The photo's tags; `found`: the mask has pixels of it. */
  tags: readonly { id: number; name: string; found: boolean }[];
  /** One picture a column, all of one size. */
  panels: readonly RgbImage[];
}

export interface Sheet {
  title: string;
  /** One line: how many photos, how they were made. */
  about: string;
  rows: readonly SheetRow[];
}

const COLUMNS = [
  { head: 'Photo', note: 'the source' },
  { head: 'CAM', note: 'where its tags are seen' },
  { head: 'Seed', note: 'certain pixels only' },
  { head: 'Mask', note: 'the file that is written' },
] as const;

const MARGIN = 48;
const GAP = 20;
const ROW_GAP = 30;
const CAPTION = 34;
const TOP = 168;
const FOOT = 84;
const INK = '#1c2421';
const FAINT = '#66716c';
const PAPER = '#ffffff';
const LINE = '#d8dedb';
const FONT = "font-family=\"Inter, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif\"";

/** The sheet as a PNG. */
export async function drawSheet({ title, about, rows }: Sheet): Promise<Buffer> {
  const cell = Math.max(...rows.map(({ panels }) => panels[0].width), 240);
  const width = 2 * MARGIN + COLUMNS.length * cell + (COLUMNS.length - 1) * GAP;
  const left = (column: number): number => MARGIN + column * (cell + GAP);
  const words: string[] = [
    text(MARGIN, 66, title, { size: 34, weight: 700 }),
    text(width - MARGIN, 66, about, { size: 17, colour: FAINT, anchor: 'end' }),
    line(MARGIN, 92, width - MARGIN),
    ...COLUMNS.flatMap(({ head, note }, c) => [text(left(c), 128, head, { size: 20, weight: 700 }), text(left(c), 151, note, { size: 15, colour: FAINT })]),
  ];
  const pictures: OverlayOptions[] = [];
  let top = TOP;
  for (const { photo, mask, tags, panels } of rows) {
    const { height } = panels[0];
    panels.forEach(({ data, width: w, height: h }, c) => {
      pictures.push({ input: Buffer.from(data.buffer, data.byteOffset, data.byteLength), raw: { width: w, height: h, channels: 3 }, left: left(c) + Math.floor((cell - w) / 2), top });
      if (w < cell) words.push(`<rect x="${left(c)}" y="${top}" width="${cell}" height="${h}" fill="#f1f4f2"/>`);
    });
    const baseline = top + height + 23;
    words.push(text(left(0), baseline, shorten(photo, cell), { size: 15 }), chips(left(1), baseline, tags, cell), text(left(3), baseline, shorten(mask, cell), { size: 15 }));
    top += height + CAPTION + ROW_GAP;
  }
  const bottom = top - ROW_GAP + 14;
  words.push(line(MARGIN, bottom, width - MARGIN), legend(bottom + 40, left));
  const height = bottom + FOOT;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><defs>${heatBar()}${hatch()}</defs><rect width="${width}" height="${height}" fill="${PAPER}"/>${words.join('')}</svg>`;
  return sharp(Buffer.from(svg)).composite(pictures).removeAlpha().png({ compressionLevel: 9 }).toBuffer();
}

/** Whether this machine has a font: without one, all letters come out as the same box. */
export async function hasFonts(): Promise<boolean> {
  const [narrow, wide] = await Promise.all(['iii', 'WWW'].map(letters => {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="60"><rect width="200" height="60" fill="${PAPER}"/>${text(10, 40, letters, { size: 30 })}</svg>`;
    return sharp(Buffer.from(svg)).raw().toBuffer();
  }));
  return !narrow.equals(wide);
}

/** The classes of a photo, each with a spot of its colour; those that the mask lacks are faint. */
function chips(x: number, y: number, tags: SheetRow['tags'], cell: number): string {
  const shown: string[] = [];
  let at = x;
  for (const { id, name, found } of tags) {
    const label = found ? name : `${name} (not in the mask)`;
    const end = at + 20 + textWidth(label, 15);
    if (end > x + cell) break;
    shown.push(`<rect x="${at}" y="${y - 12}" width="13" height="13" rx="3" fill="${css(classColour(id))}"/>`, text(at + 20, y, label, { size: 15, ...(found ? {} : { colour: FAINT }) }));
    at = end + 18;
  }
  return shown.join('');
}

function legend(y: number, left: (column: number) => number): string {
  const spot = (x: number, fill: string, label: string): string => `<rect x="${x}" y="${y - 14}" width="26" height="16" rx="3" fill="${fill}" stroke="${LINE}"/>${text(x + 36, y, label, { size: 15 })}`;
  return [
    text(left(1), y, 'none', { size: 15 }),
    `<rect x="${left(1) + 48}" y="${y - 14}" width="130" height="16" rx="3" fill="url(#heat)"/>`,
    text(left(1) + 188, y, 'most', { size: 15 }),
    spot(left(2), 'url(#hatch)', 'undecided'),
    spot(left(2) + 140, '#3a3f3d', 'background'),
    text(left(3), y, 'Colours: the class, as in the mask file, lightened', { size: 15, colour: FAINT }),
  ].join('');
}

function heatBar(): string {
  return `<linearGradient id="heat">${HEAT.map((colour, i) => `<stop offset="${i / (HEAT.length - 1)}" stop-color="${css(colour)}"/>`).join('')}</linearGradient>`;
}

function hatch(): string {
  return `<pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="8" height="8" fill="#e6e9e7"/><rect width="3" height="8" fill="#8f9592"/></pattern>`;
}

interface Style {
  size?: number;
  weight?: number;
  colour?: string;
  anchor?: 'start' | 'end';
}

function text(x: number, y: number, words: string, { size = 15, weight = 400, colour = INK, anchor = 'start' }: Style): string {
  return `<text x="${x}" y="${y}" ${FONT} font-size="${size}" font-weight="${weight}" fill="${colour}" text-anchor="${anchor}">${escape(words)}</text>`;
}

function line(x1: number, y: number, x2: number): string {
  return `<line x1="${x1}" y1="${y}" x2="${x2}" y2="${y}" stroke="${LINE}" stroke-width="1.5"/>`;
}

/** About how wide `words` come out: fonts differ, so wide is assumed. */
function textWidth(words: string, size: number): number {
  return [...words].length * size * 0.6;
}

/** The end of a name that does not fit, where names differ. */
function shorten(name: string, width: number): string {
  const most = Math.floor(width / textWidth('x', 15));
  const letters = [...name];
  return letters.length <= most ? name : `…${letters.slice(letters.length - most + 1).join('')}`;
}

function css(colour: readonly number[]): string {
  return `rgb(${colour.join(',')})`;
}

function escape(words: string): string {
  return words.replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`).replace(/\p{Cc}/gu, '\ufffd');
}
