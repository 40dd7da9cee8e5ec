/**
 * The PASCAL VOC palette: 256 distinct colours, so that a class id can be read back from its colour.
 * Bits 0, 1, 2 of the id become the high bits of red, green, blue, then bits 3, 4, 5 the next, and so on
 * (VOC development kit, VOClabelcolormap).
 */

/** 256 RGB triples, 768 bytes; entry 0 is black, entry 255 is (224, 224, 192). */
export function vocPalette(): Uint8Array {
  const palette = new Uint8Array(768);
  for (let id = 0; id < 256; id++) {
    let bits = id;
    for (let shift = 7; shift >= 0 && bits > 0; shift--, bits >>= 3) {
      for (let channel = 0; channel < 3; channel++) {
        palette[id * 3 + channel] |= ((bits >> channel) & 1) << shift;
      }
    }
  }
  return palette;
}
