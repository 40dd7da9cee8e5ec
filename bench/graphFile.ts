/**
 * A graph as two files that other programs read without ONNX: names, shapes and attributes as JSON, all stored numbers in one file of bytes (each tensor from a
 * multiple of 8 on). `bench/pytorch/onnxNet.py` walks it.
 */
import { writeFileSync } from 'node:fs';
import type { Initializer } from '../models/graph/serialise';

/** Writes `<stem>.json` and `<stem>.bin`: a graph's description, or other things with named numbers. */
export function writeGraph<T extends { initializers: readonly Initializer[] }>({ initializers, ...rest }: T, stem: string): void {
  let end = 0;
  const placed = initializers.map(({ name, dtype, dims, data }) => {
    const start = Math.ceil(end / 8) * 8;
    end = start + data.byteLength;
    return { name, dtype, dims, data, start, end };
  });
  const bytes = Buffer.alloc(end);
  for (const { data, start } of placed) Buffer.from(data.buffer, data.byteOffset, data.byteLength).copy(bytes, start);
  writeFileSync(`${stem}.bin`, bytes);
  writeFileSync(`${stem}.json`, JSON.stringify({ ...rest, initializers: placed.map(({ data: _, ...place }) => place) }));
}
