/**
 * The pixels of one region inside its box, as run lengths: pixels outside the region, pixels inside, outside, inside, … in raster order of the box, from its first pixel
 * (the first number may be 0) to the region's last. So that a line of JSON says exactly which pixels it is about.
 */
export type Box = readonly [x: number, y: number, width: number, height: number];

/** The pixels of `inside` (truth per index of a picture `pictureWidth` wide) within the box. */
export function regionRuns(box: Box, pictureWidth: number, inside: (pixel: number) => boolean): number[] {
  const [left, top, width, height] = box;
  const runs: number[] = [];
  let length = 0;
  let within = false;
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) {
      if (inside(y * pictureWidth + x) === within) length++;
      else {
        runs.push(length);
        length = 1;
        within = !within;
      }
    }
  }
  if (within) runs.push(length);
  return runs;
}

/** Calls `visit` with each stretch of the region: first pixel of a picture `pictureWidth` wide, and how many. Runs that leave the box are cut off. */
export function eachStretch(box: Box, runs: readonly number[], pictureWidth: number, visit: (pixel: number, count: number) => void): void {
  const [left, top, width, height] = box;
  let at = 0;
  runs.forEach((length, i) => {
    const end = Math.min(at + length, width * height);
    for (let from = at; i % 2 === 1 && from < end; ) {
      const row = Math.floor(from / width);
      const to = Math.min(end, (row + 1) * width);
      visit((top + row) * pictureWidth + left + from - row * width, to - from);
      from = to;
    }
    at = end;
  });
}

/** Pixels of the region. */
export function regionArea(runs: readonly number[]): number {
  return runs.reduce((sum, length, i) => sum + (i % 2) * length, 0);
}

/** Intersection over union of two regions of one picture. 0..1. */
export function regionIou(a: { box: Box; runs: readonly number[] }, b: { box: Box; runs: readonly number[] }): number {
  const [left, top] = [Math.min(a.box[0], b.box[0]), Math.min(a.box[1], b.box[1])];
  const right = Math.max(a.box[0] + a.box[2], b.box[0] + b.box[2]);
  const bottom = Math.max(a.box[1] + a.box[3], b.box[1] + b.box[3]);
  if (right - left >= a.box[2] + b.box[2] || bottom - top >= a.box[3] + b.box[3]) return 0;
  const width = right - left;
  const marked = new Uint8Array(width * (bottom - top));
  const moved = ({ box: [x, y, w, h] }: { box: Box }): Box => [x - left, y - top, w, h];
  let both = 0;
  eachStretch(moved(a), a.runs, width, (from, count) => marked.fill(1, from, from + count));
  eachStretch(moved(b), b.runs, width, (from, count) => {
    for (let p = from; p < from + count; p++) both += marked[p];
  });
  return both / (regionArea(a.runs) + regionArea(b.runs) - both);
}
