/** What kinds of numbers and names presets are made of, for the schemas of their sections. */
import * as v from 'valibot';

/** 0 to 1. */
export const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
export const positive = v.pipe(v.number(), v.gtValue(0));
export const notNegative = v.pipe(v.number(), v.minValue(0));
/** A whole number from 1 on. */
export const size = v.pipe(v.number(), v.integer(), v.minValue(1));
/** A whole number from 0 on. */
export const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** Layers of a backbone by what they are good for (`catalog.ts`). */
export const role = v.picklist(['deep', 'middle', 'fine']);
