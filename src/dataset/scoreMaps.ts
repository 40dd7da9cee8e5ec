/**
 * Score maps of a photo in one small file: K x h x w scores in steps of 1/255, compressed. A cache: what is damaged, or was made otherwise than the reader wants, reads as
 * absent.
 *
 * File: a line of JSON (key, channels, height, width), then the bytes of the maps (zlib, which has a checksum).
 */
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { deflate, inflate } from 'node:zlib';
import * as v from 'valibot';
import type { Maps } from '../shared/maps';
import { atomicWrite } from './atomicWrite';
import { makeFolderFor } from './folder';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const headerSchema = v.object({ key: v.string(), channels: count, height: count, width: count });
const MOST_SCORES = 400_000_000;

/** @throws SeedMaskError as atomicWrite does */
export async function writeScoreMaps(file: string, key: string, { channels, height, width, data }: Maps): Promise<void> {
  const header = Buffer.from(`${JSON.stringify({ key, channels, height, width } satisfies v.InferInput<typeof headerSchema>)}\n`);
  const bytes = Uint8Array.from(data, score => Math.round(255 * Math.min(1, Math.max(0, score))));
  await makeFolderFor(file);
  await atomicWrite(file, Buffer.concat([header, await promisify(deflate)(bytes)]));
}

export async function readScoreMaps(file: string, key: string): Promise<Maps | undefined> {
  try {
    const bytes = await readFile(file);
    const end = bytes.indexOf(10);
    const header = v.parse(headerSchema, JSON.parse(bytes.toString('utf8', 0, end)));
    const { channels, height, width } = header;
    const size = channels * height * width;
    if (header.key !== key || size > MOST_SCORES) return undefined;
    const scores: Uint8Array = size === 0 ? new Uint8Array() : await promisify<Uint8Array, { maxOutputLength: number }, Buffer>(inflate)(bytes.subarray(end + 1), { maxOutputLength: size });
    return scores.length === size ? { data: Float32Array.from(scores, value => value / 255), channels, height, width } : undefined;
  } catch {
    return undefined;
  }
}
