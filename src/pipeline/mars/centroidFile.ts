/**
 * A centroid store as bytes, little-endian, photos by name:
 *
 *     8 bytes 'SMARSctr' | u32: version, dimensions, bytes of a value (4, 2 or 1), photos, rows, tags, bytes of text, checksum of all that follows
 *     values of all rows | f32 scale of each row (values of 1 byte alone) | u32 cells of each row | u16 rows of each photo | u8 tags of each photo | u8 class, u8 cluster of each row | u8 tags | text
 *
 * The text is name and key of each photo, each ended by NUL. Equal content gives equal bytes. Whatever does not fit in every point is refused.
 */
import { SeedMaskError } from '../../shared/errors';
import { fromFloat16, toFloat16 } from '../../shared/float16';
import { CentroidStore, toBytes, type Values } from './centroidStore';
import type { LocalCluster } from './marsTypes';

const MAGIC = 'SMARSctr';
const VERSION = 2;
const HEADER_BYTES = 40;

const VALUE_BYTES = { single: 4, half: 2, byte: 1 } as const;

/** Counts of the header, in their order after the version. */
interface Counts {
  dimensions: number;
  valueBytes: number;
  photos: number;
  rows: number;
  tags: number;
  text: number;
}

/** The bytes of a store. */
export function encodeCentroids(store: CentroidStore): Uint8Array {
  const photos = store.photos();
  const tagLists = photos.map(photo => store.get(photo)?.tags ?? []);
  const text = new TextEncoder().encode(photos.map(photo => `${photo}\0${store.get(photo)?.key ?? ''}\0`).join(''));
  const counts: Counts = {
    dimensions: store.dimensions,
    valueBytes: VALUE_BYTES[store.precision],
    photos: photos.length,
    rows: store.rows,
    tags: tagLists.reduce((sum, tags) => sum + tags.length, 0),
    text: text.length,
  };
  const bytes = new Uint8Array(sections(counts).end);
  const parts = views(bytes, counts);
  let row = 0;
  let tag = 0;
  photos.forEach((photo, index) => {
    const clusters = store.clustersOf(photo);
    parts.rowsOfPhoto[index] = clusters.length;
    parts.tagsOfPhoto[index] = tagLists[index].length;
    parts.tags.set(tagLists[index], tag);
    tag += tagLists[index].length;
    for (const { classId, cluster, cells, centroid } of clusters) {
      if (parts.values instanceof Int8Array) parts.scales[row] = toBytes(centroid, parts.values, row * counts.dimensions);
      else parts.values.set(parts.values instanceof Uint16Array ? toFloat16(centroid) : centroid, row * counts.dimensions);
      parts.cells[row] = cells;
      parts.classIds[row] = classId;
      parts.clusterNumbers[row] = cluster;
      row++;
    }
  });
  parts.text.set(text);
  bytes.set(new TextEncoder().encode(MAGIC));
  const header = new Uint32Array(bytes.buffer, 8, 8);
  header.set([VERSION, counts.dimensions, counts.valueBytes, counts.photos, counts.rows, counts.tags, counts.text]);
  header[7] = checksum(bytes);
  return bytes;
}

/** @throws SeedMaskError 'io' if the bytes are not such a store, of this version and whole */
export function decodeCentroids(source: Uint8Array, file?: string): CentroidStore {
  const refuse = (why: string): never => {
    throw new SeedMaskError('io', `the stored centroids cannot be used: ${why}`, file);
  };
  if (source.length < HEADER_BYTES || new TextDecoder().decode(source.subarray(0, 8)) !== MAGIC) refuse('this is another kind of file');
  // Views need to begin at a multiple of their size.
  const bytes = source.byteOffset % 4 === 0 ? source : source.slice();
  const [version, dimensions, valueBytes, photos, rows, tags, text, sum] = new Uint32Array(bytes.buffer, bytes.byteOffset + 8, 8);
  if (version !== VERSION) refuse(`they are of version ${version}, this is version ${VERSION}`);
  const counts: Counts = { dimensions, valueBytes, photos, rows, tags, text };
  if (dimensions === 0 || ![1, 2, 4].includes(valueBytes) || sections(counts).end !== bytes.length || checksum(bytes) !== sum) refuse('they are damaged');

  const parts = views(bytes, counts);
  const texts = new TextDecoder('utf-8', { ignoreBOM: true }).decode(parts.text).split('\0');
  if (texts.length !== 2 * photos + 1 || totalOf(parts.rowsOfPhoto) !== rows || totalOf(parts.tagsOfPhoto) !== tags) refuse('they are damaged');
  const store = new CentroidStore(dimensions, valueBytes === 1 ? 'byte' : valueBytes === 2 ? 'half' : 'single');
  let row = 0;
  let tag = 0;
  for (let photo = 0; photo < photos; photo++) {
    const clusters: LocalCluster[] = Array.from({ length: parts.rowsOfPhoto[photo] }, (_, i) => ({
      classId: parts.classIds[row + i],
      cluster: parts.clusterNumbers[row + i],
      cells: parts.cells[row + i],
      centroid: valuesOf(parts.values, (row + i) * dimensions, dimensions, parts.scales[row + i]),
    }));
    store.set(texts[2 * photo], { key: texts[2 * photo + 1], tags: [...parts.tags.subarray(tag, tag + parts.tagsOfPhoto[photo])] }, clusters);
    row += clusters.length;
    tag += parts.tagsOfPhoto[photo];
  }
  return store;
}

function totalOf(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function valuesOf(values: Values, from: number, length: number, scale: number): Float32Array {
  const part = values.subarray(from, from + length);
  if (part instanceof Int8Array) return Float32Array.from(part, value => value * scale);
  return part instanceof Uint16Array ? fromFloat16(part) : part.slice();
}

/** Where each section begins: wider values first, so that each is aligned (the first after an even number of 4 bytes). */
function sections({ dimensions, valueBytes, photos, rows, tags, text }: Counts) {
  const scales = Math.ceil((HEADER_BYTES + rows * dimensions * valueBytes) / 4) * 4;
  const cells = scales + (valueBytes === 1 ? 4 * rows : 0);
  const rowsOfPhoto = cells + 4 * rows;
  const tagsOfPhoto = rowsOfPhoto + 2 * photos;
  const classIds = tagsOfPhoto + photos;
  const clusterNumbers = classIds + rows;
  const tagsAt = clusterNumbers + rows;
  return { scales, cells, rowsOfPhoto, tagsOfPhoto, classIds, clusterNumbers, tags: tagsAt, text: tagsAt + tags, end: tagsAt + tags + text };
}

function views({ buffer, byteOffset }: Uint8Array, counts: Counts) {
  const at = sections(counts);
  const { photos, rows, dimensions } = counts;
  const [first, length] = [byteOffset + HEADER_BYTES, rows * dimensions];
  return {
    values: counts.valueBytes === 1 ? new Int8Array(buffer, first, length) : counts.valueBytes === 2 ? new Uint16Array(buffer, first, length) : new Float32Array(buffer, first, length),
    scales: new Float32Array(buffer, byteOffset + at.scales, counts.valueBytes === 1 ? rows : 0),
    cells: new Uint32Array(buffer, byteOffset + at.cells, rows),
    rowsOfPhoto: new Uint16Array(buffer, byteOffset + at.rowsOfPhoto, photos),
    tagsOfPhoto: new Uint8Array(buffer, byteOffset + at.tagsOfPhoto, photos),
    classIds: new Uint8Array(buffer, byteOffset + at.classIds, rows),
    clusterNumbers: new Uint8Array(buffer, byteOffset + at.clusterNumbers, rows),
    tags: new Uint8Array(buffer, byteOffset + at.tags, counts.tags),
    text: new Uint8Array(buffer, byteOffset + at.text, counts.text),
  };
}

/** FNV-1a (32 bits) of the bytes after the header, four at a time, and of the counts before it. */
function checksum(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  const mix = (value: number) => (hash = Math.imul(hash ^ value, 0x01000193));
  const words = bytes.length >>> 2;
  const view = new Uint32Array(bytes.buffer, bytes.byteOffset, words);
  for (let i = 2; i < HEADER_BYTES / 4 - 1; i++) mix(view[i]);
  for (let i = HEADER_BYTES / 4; i < words; i++) mix(view[i]);
  for (let i = words * 4; i < bytes.length; i++) mix(bytes[i]);
  return hash >>> 0;
}
