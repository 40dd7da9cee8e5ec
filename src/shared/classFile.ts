/** What `.seedmask/classes.json`, and a `classes.json` that a data set brings, say: which id stands for which name. */
import * as v from 'valibot';

export const classFileSchema = v.object({
  classes: v.array(v.object({ id: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(254)), name: v.string() })),
});
