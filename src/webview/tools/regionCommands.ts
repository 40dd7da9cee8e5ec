/**
 * What can be done to the region that is selected or under the pointer, as commands of the page.
 */
import type { Page } from '../page';

const notYet = (page: Page): void => page.say('This is not there yet');
export const grow = notYet;
export const shrink = notYet;
export const smooth = notYet;
export const copyPrevious = notYet;
export const applyHints = notYet;
export const clearHints = notYet;
export const nextRegion = notYet;
export const removeRegion = notYet;
export const restoreRegion = notYet;
export const acceptRegion = notYet;
