/**
 * The region tool: a click selects the region under the pointer, of the mask or one that MARS removed, and shows why it is as it is; with shift it gets the class in
 * hand; inverted it is removed (a removed one comes back).
 */
import type { Page, Tool } from '../page';
import { clickTool } from './clickTools';
import { labelName } from './names';
import { relabelRegion, removeRegion, restoreRegion } from './regionCommands';
import { isRestored, selectedRegion, selectionAt, shownLabels } from './selected';

export function regionTool(page: Page): Tool {
  return clickTool('pointer', (x, y, { invert, shift }) => {
    const photo = page.photo.peek();
    if (!photo) return;
    const selected = selectionAt(photo, x, y);
    page.hand.selected.value = selected;
    const region = selectedRegion(page);
    if (!region) return page.say('There is no region here');
    if (shift) return relabelRegion(page);
    const labels = shownLabels(photo);
    const gone = region.kind === 'removed' && !(labels && isRestored(labels, region.pixels, region.classId));
    if (invert) return gone ? restoreRegion(page) : removeRegion(page);
    page.panels.side.value = 'why';
    page.say(`${gone ? 'Removed region' : 'Region'} of ${labelName(page, region.classId)}`);
  });
}
