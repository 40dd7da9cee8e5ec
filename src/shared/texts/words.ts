/**
 * Small words that every sentence of the review page is made of: shares, similarities, counts, classes, places in a photo. English; numbers as people of the field
 * write them.
 */
import { group, plural } from '../runTexts';

/** Names by class id. */
export type ClassNames = ReadonlyMap<number, string>;

export function classNames(classes: readonly { id: number; name: string }[]): ClassNames {
  return new Map(classes.map(({ id, name }) => [id, name]));
}

/** 'boat (1)', 'background (0)', 'ignore (255)', 'class 7' where the table does not know it: the id is always there. */
export function classText(id: number, names: ClassNames): string {
  const name = nameOf(id, names);
  return name === undefined ? `class ${id}` : `${name} (${id})`;
}

/** The bare name, else 'class 7'. */
export function className(id: number, names: ClassNames): string {
  return nameOf(id, names) ?? `class ${id}`;
}

function nameOf(id: number, names: ClassNames): string | undefined {
  return names.get(id) ?? (id === 0 ? 'background' : id === 255 ? 'ignore' : undefined);
}

/** 0.126 -> '13 %'. What is not nothing is never '0 %', what is not all never '100 %'. */
export function percent(share: number): string {
  const rounded = Math.round(share * 100);
  if (rounded === 0 && share > 0) return '< 1 %';
  if (rounded === 100 && share < 1) return '> 99 %';
  return `${rounded} %`;
}

/** Similarities and scores: '0.31'. */
export function score(value: number): string {
  return fixed(value, 2);
}

/** Distances lie close together: '0.431'. */
export function distance(value: number): string {
  return fixed(value, 3);
}

/** With a real minus, and none before a zero. */
function fixed(value: number, digits: number): string {
  return value.toFixed(digits).replace(/^-(?=0\.?0*$)/, '').replace('-', '−');
}

/** '4,210 pixels' */
export function pixels(count: number): string {
  return plural(count, 'pixel');
}

/** 'a', 'a and b', 'a, b and c' */
export function list(parts: readonly string[]): string {
  return parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts[parts.length - 1]}`;
}

/** Where the box (x, y, width, height) is in a photo of this size: 'upper left', 'middle', 'lower right', … by the box's centre. */
export function placeText([x, y, width, height]: readonly [number, number, number, number], photo: { width: number; height: number }): string {
  const third = (centre: number, size: number): number => Math.min(2, Math.max(0, Math.floor((3 * centre) / size)));
  const row = third(y + height / 2, photo.height);
  const column = third(x + width / 2, photo.width);
  const vertical = ['upper', 'middle', 'lower'][row];
  const horizontal = ['left', 'middle', 'right'][column];
  if (vertical === 'middle') return horizontal;
  return horizontal === 'middle' ? `${vertical} middle` : `${vertical} ${horizontal}`;
}

/** 'rank 97 of 120' */
export function rankText(rank: number, of: number): string {
  return `rank ${group(rank)} of ${group(of)}`;
}
