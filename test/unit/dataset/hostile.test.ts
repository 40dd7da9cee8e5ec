import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { decodeMask, encodeMask } from '../../../src/dataset/maskFile';
import { readCocoJson } from '../../../src/dataset/tags/cocoJson';
import { readTagsCsv } from '../../../src/dataset/tags/tagsCsv';
import { readTagsJson } from '../../../src/dataset/tags/tagsJson';
import { readVocXml } from '../../../src/dataset/tags/vocXml';
import { parseJson } from '../../../src/dataset/textFile';
import { SeedMaskError } from '../../../src/shared/errors';
import { png } from './pngMaker';

/** Whatever comes in, what comes out is a result or an error for people, never a crash. */
function never<T>(read: () => T, check: (result: T) => void = () => undefined): void {
  let result: T;
  try {
    result = read();
  } catch (error) {
    assert.ok(error instanceof SeedMaskError, String(error instanceof Error ? error.stack : error));
    return;
  }
  check(result);
}

test('masks: random headers, bodies and damage', () => {
  const sizes = fc.integer({ min: 0, max: 12 });
  fc.assert(fc.property(sizes, sizes, fc.constantFrom(1, 2, 3, 4, 8, 16), fc.constantFrom(0, 1, 2, 3, 4, 6), fc.boolean(), fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 30 }),
    (width, height, depth, colour, interlaced, body, palette) => {
      const file = png({ width: 1, height: 1, depth, colour, samples: Uint8Array.of(0), interlaced, palette, claim: { width, height }, body: deflateSync(body) });
      never(() => decodeMask(file), ({ labels }) => assert.equal(labels.data.length, width * height));
    }), { numRuns: 1500 });
  const whole = encodeMask({ data: Uint8Array.from({ length: 64 }, (_, i) => i), width: 8, height: 8 });
  fc.assert(fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
    const harmed = Uint8Array.from(whole);
    harmed[at] = byte;
    never(() => decodeMask(harmed), ({ labels }) => assert.equal(labels.data.length, 64));
  }), { numRuns: 500 });
});

test('tags: random text in every reader', () => {
  const pieces = fc.constantFrom('"', ',', ';', '\n', '\r', 'a.jpg', 'cat', '<annotation>', '</annotation>', '<object>', '<name>', '</name>', '</object>', '<', '>', '&', '&amp;', '<![CDATA[', ']]>', '<!--', '<?',
    '{', '}', '[', ']', ':', 'null', '1', '"images"', '"annotations"', '\0', '\u202e', '😀', ' ', '\t');
  fc.assert(fc.property(fc.array(fc.oneof(pieces, fc.string({ maxLength: 3 })), { maxLength: 25 }).map(parts => parts.join('')), text => {
    never(() => readTagsCsv(text, 'c', '/'));
    never(() => readVocXml(text, 'x'));
    never(() => readTagsJson(parseJson(text, 'j'), 'j', '/'));
  }), { numRuns: 3000 });
});

test('tags: random JSON values', () => {
  const names = fc.constantFrom('images', 'annotations', 'categories', 'id', 'file_name', 'image_id', 'category_id', 'name', '__proto__');
  const { value } = fc.letrec<{ value: unknown }>(tie => ({
    value: fc.oneof({ maxDepth: 4 }, fc.constantFrom(null, 1, 'a.jpg', true), fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(names, tie('value'), { maxKeys: 4 })),
  }));
  fc.assert(fc.property(value, json => {
    never(() => readTagsJson(json, 'j', '/'));
    never(() => readCocoJson(json, 'j', '/'));
  }), { numRuns: 1000 });
});
