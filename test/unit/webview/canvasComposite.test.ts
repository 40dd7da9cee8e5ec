import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { composite, over, type Grid, type InkedLayer } from '../../../src/webview/canvas/composite';
import { HEAT } from '../../../src/webview/canvas/heat';
import { inksOf } from '../../../src/webview/canvas/inks';
import { DASH_BITS, PATTERN_BITS, PITCH, slotOf } from '../../../src/webview/canvas/patterns';
import { DIFFERENCE } from '../../../src/webview/difference';
import type { LayerLook, OpenLayer } from '../../../src/webview/page';

const FILL: LayerLook = { visible: true, opacity: 1, style: 'fill' };

function layerOf(values: readonly number[], width: number, look: LayerLook = FILL, kind: OpenLayer['kind'] = 'mask', hidden = new Set<number>()): InkedLayer[] {
  const map = { data: Uint8Array.from(values), width, height: values.length / width };
  const layer: OpenLayer = kind === 'cam' ? { key: 'cam:1', kind, classId: 1, scores: map, made: '' } : { key: kind, kind, labels: map, made: '' };
  const inks = inksOf(layer, look, hidden);
  return inks ? [{ labels: layer.labels, scores: layer.scores, inks }] : [];
}

function grid(width: number, height: number, level = 0): Grid {
  return { level, photoWidth: width, photoHeight: height, line: 1, grow: 0 };
}

function draw(layers: readonly InkedLayer[], width: number, height: number, at: Grid): Uint32Array {
  const out = new Uint32Array(width * height);
  composite(out, width, 0, { x: 0, y: 0, width, height }, at, layers);
  return out;
}

const alphaOf = (pixel: number): number => pixel >>> 24;

test('each label has the ink of its class, background is clear', () => {
  const pixels = draw(layerOf([0, 1, 2, 255], 4), 4, 1, grid(4, 1));
  assert.equal(pixels[0], 0);
  assert.equal(new Set(pixels).size, 4);
  assert.deepEqual([...pixels.subarray(1)].map(pixel => pixel & 0xff), [128, 0, 224], 'red of the VOC palette');
});

test('zoomed in, a label fills exactly its pixels; zoomed out, no label is invented', () => {
  const labels = [0, 3, 7, 0];
  const large = draw(layerOf(labels, 2), 8, 8, grid(2, 2, -2));
  for (let y = 0; y < 8; y++) for (let x = 0; x < 8; x++) assert.equal(large[y * 8 + x] !== 0, labels[Math.floor(y / 4) * 2 + Math.floor(x / 4)] !== 0, `${x}, ${y}`);
  const many = Array.from({ length: 64 }, (_, i) => (i % 2 ? 5 : 9));
  const inks = new Set(draw(layerOf(many, 8), 4, 4, grid(8, 8, 1)));
  const known = new Set(draw(layerOf([5, 9], 2), 2, 1, grid(2, 1)).map(pixel => pixel & 0xffffff));
  for (const ink of inks) assert.ok(known.has(ink & 0xffffff));
});

test('an outline follows the borders of a class and nothing else', () => {
  const size = 9;
  const square = Array.from({ length: size * size }, (_, i) => (i % size > 1 && i % size < 7 && i > 2 * size && i < 7 * size ? 4 : 0));
  const pixels = draw(layerOf(square, size, { ...FILL, style: 'outline' }), size, size, grid(size, size));
  assert.equal(pixels[4 * size + 4], 0, 'inside');
  assert.ok(alphaOf(pixels[4 * size + 2]) > 0, 'border');
  assert.equal(pixels[4 * size + 1], 0, 'outside');
  const all = draw(layerOf(new Array<number>(81).fill(4), size, { ...FILL, style: 'outline' }), size, size, grid(size, size));
  assert.ok(all.every(pixel => pixel === 0), 'the edge of the photo is no border');
});

test('what a part of the picture shows does not depend on how it is cut into windows', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(0, 1, 2, 3, 255), { minLength: 24 * 20, maxLength: 24 * 20 }), fc.integer({ min: -1, max: 1 }), fc.nat({ max: 9 }), fc.nat({ max: 9 }), (labels, level, x, y) => {
      const layers = [...layerOf(labels, 24, { visible: true, opacity: 0.5, style: 'both' }), ...layerOf(labels.slice(0, 12), 4, { visible: true, opacity: 0.4, style: 'both' }, 'cam')];
      const [width, height] = [24 / 2 ** level, 20 / 2 ** level];
      const at = grid(24, 20, level);
      const whole = draw(layers, width, height, at);
      const [w, h] = [Math.min(6, width - x), Math.min(5, height - y)];
      const part = new Uint32Array(w * h);
      composite(part, w, 0, { x, y, width: w, height: h }, at, layers);
      for (let j = 0; j < h; j++) assert.deepEqual([...part.subarray(j * w, (j + 1) * w)], [...whole.subarray((y + j) * width + x, (y + j) * width + x + w)]);
    }),
    { numRuns: 60 },
  );
});

test('hidden classes, an opacity of 0 and empty maps leave nothing', () => {
  assert.ok(draw(layerOf([1, 1], 2, FILL, 'mask', new Set([1])), 2, 1, grid(2, 1)).every(pixel => pixel === 0));
  assert.deepEqual(layerOf([1, 1], 2, { ...FILL, opacity: 0 }), []);
  assert.deepEqual(layerOf([9, 9], 2, FILL, 'cam', new Set([1])), [], 'scores of a hidden class');
  const out = new Uint32Array([5, 6]);
  assert.equal(composite(out, 2, 0, { x: 0, y: 0, width: 2, height: 1 }, grid(2, 1), layerOf([0, 0], 2)), false);
  assert.deepEqual([...out], [0, 0], 'what was there is overwritten');
});

test('scores rise smoothly from pixel to pixel, and high ones are the more opaque', () => {
  const pixels = draw(layerOf([0, 255], 2, FILL, 'cam'), 64, 1, grid(64, 1));
  const alphas = [...pixels].map(alphaOf);
  assert.equal(alphas[0], 0);
  assert.equal(alphas[63], 255);
  assert.deepEqual(alphas, alphas.toSorted((a, b) => a - b));
});

test('the difference has its own colours, whatever the classes', () => {
  const pixels = draw(layerOf([DIFFERENCE.same, DIFFERENCE.added, DIFFERENCE.removed, DIFFERENCE.changed], 4, FILL, 'difference'), 4, 1, grid(4, 1));
  assert.equal(pixels[0], 0);
  assert.equal(new Set([...pixels].map(pixel => pixel & 0xffffff)).size, 4);
});

test('laying over: opaque covers, clear leaves, and the order counts', () => {
  const red = 0xff0000ff;
  const halfBlue = 0x80ff0000;
  assert.equal(over(red, halfBlue), red);
  assert.equal(alphaOf(over(halfBlue, red)), 255);
  fc.assert(fc.property(fc.nat({ max: 0xffffffff }), fc.integer({ min: 1, max: 255 }), fc.nat({ max: 0xffffff }), (bottom, alpha, colour) => {
    const top = ((alpha << 24) | colour) >>> 0;
    const mixed = over(top, bottom);
    assert.ok(alphaOf(mixed) >= Math.max(alphaOf(top), alphaOf(bottom)) - 1);
    for (const shift of [0, 8, 16]) {
      const [low, high] = [(top >>> shift) & 255, (bottom >>> shift) & 255].sort((a, b) => a - b);
      const part = (mixed >>> shift) & 255;
      assert.ok(part >= low - 1 && part <= high + 1);
    }
  }));
});

test('neighbouring class ids differ by pattern as well as by colour', () => {
  const pattern = (id: number): string => PATTERN_BITS.subarray(slotOf(id) * PITCH * PITCH, (slotOf(id) + 1) * PITCH * PITCH).join('');
  for (let id = 1; id < 254; id++) for (let step = 1; step <= 8 && id + step < 255; step++) assert.notEqual(pattern(id), pattern(id + step), `${id} and ${id + step}`);
  for (let id = 1; id < 255; id++) assert.notEqual(pattern(id), pattern(255), `${id} and ignore`);
  for (let slot = 0; slot < 16; slot++) {
    const strokes = PATTERN_BITS.subarray(slot * PITCH * PITCH, (slot + 1) * PITCH * PITCH).reduce((sum, bit) => sum + bit, 0);
    assert.ok(strokes > 0 && strokes < PITCH * PITCH);
    assert.ok(DASH_BITS.subarray(slot * PITCH, (slot + 1) * PITCH).includes(1));
  }
});

test('heat: lightness rises evenly with the score', () => {
  const linear = (part: number): number => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
  const lightness = HEAT.map(([red, green, blue]) => {
    const y = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
    return 116 * Math.cbrt(y) - 16;
  });
  for (let i = 8; i < 256; i += 8) assert.ok(lightness[i] > lightness[i - 8], `step ${i}`);
  assert.ok(lightness[255] - lightness[0] > 60);
  const middle = (lightness[0] + lightness[255]) / 2;
  assert.ok(Math.abs(lightness[128] - middle) < 8, `${lightness[128]} is far from ${middle}`);
});
