/**
 * What the page remembers when VS Code takes it down and puts it up again (hidden, moved, window reloaded): looks and what the hand holds. The photo and its edits are
 * the extension's to remember.
 */
import { batch, effect } from '@preact/signals';
import * as v from 'valibot';
import { TOOL_NAMES, type Page } from './page';

/** Where the state is kept: VS Code's `getState` and `setState`. */
export interface StateStore {
  getState(): unknown;
  setState(state: unknown): void;
}

const id = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255));
const lookSchema = v.object({ visible: v.boolean(), opacity: v.pipe(v.number(), v.minValue(0), v.maxValue(1)), style: v.picklist(['fill', 'outline', 'both']) });
const stateSchema = v.object({
  layers: v.array(v.tuple([v.string(), lookSchema])),
  hiddenClasses: v.array(id),
  tool: v.picklist(TOOL_NAMES),
  classId: id,
  radius: v.pipe(v.number(), v.minValue(0.5), v.maxValue(500)),
  side: v.picklist(['layers', 'why', 'class']),
});

/** Takes up what was remembered, if it can be read, and keeps it up to date from now on. @returns stops that */
export function remember({ looks, hand, panels }: Page, store: StateStore): () => void {
  const found = v.safeParse(stateSchema, store.getState());
  if (found.success) {
    const { layers, hiddenClasses, tool, classId, radius, side } = found.output;
    batch(() => {
      looks.layers.value = new Map(layers);
      looks.hiddenClasses.value = new Set(hiddenClasses);
      hand.tool.value = tool;
      hand.classId.value = classId;
      hand.radius.value = radius;
      panels.side.value = side;
    });
  }
  return effect(() => {
    const state: v.InferOutput<typeof stateSchema> = {
      layers: [...looks.layers.value],
      hiddenClasses: [...looks.hiddenClasses.value],
      tool: hand.tool.value,
      classId: hand.classId.value,
      radius: hand.radius.value,
      side: panels.side.value,
    };
    store.setState(state);
  });
}
