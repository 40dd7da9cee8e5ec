/**
 * Titles of the review's commands, in the groups of the help, and their keys.
 */
import type { ReviewCommand } from '../../shared/pageMessages';

export interface HelpGroup {
  title: string;
  commands: readonly ReviewCommand[];
}

/** Every command once, in the order of the work. */
export const HELP_GROUPS: readonly HelpGroup[] = [
  { title: 'Photos', commands: ['nextPhoto', 'previousPhoto', 'nextUnreviewed', 'acceptAndNext', 'rejectAndNext', 'accept', 'reject', 'skip', 'takeBackMark', 'focusQueue'] },
  { title: 'Tools', commands: ['pan', 'brush', 'eraser', 'fill', 'region', 'lasso', 'wand', 'pick', 'larger', 'smaller', 'nextClass', 'previousClass'] },
  { title: 'Regions and removals', commands: ['nextRegion', 'why', 'restoreRegion', 'acceptRegion', 'removeRegion', 'relabelRegion', 'grow', 'shrink', 'smooth', 'fillHoles', 'removeCrumbs', 'copyPrevious', 'classPage'] },
  { title: 'Hints', commands: ['box', 'point', 'scribble', 'applyHints', 'clearHints', 'editTags'] },
  { title: 'Looking', commands: ['zoomIn', 'zoomOut', 'fit', 'actualSize', 'toggleOverlay', 'toggleOutline', 'nextLayer', 'soloLayer', 'sideBySide', 'swipe', 'compareNone', 'focusCanvas', 'help'] },
];

export const COMMAND_TITLES: Record<ReviewCommand, string> = {
  nextPhoto: 'Next photo',
  previousPhoto: 'Previous photo',
  nextUnreviewed: 'Next unreviewed photo',
  acceptAndNext: 'Accept and go on',
  rejectAndNext: 'Reject and go on',
  accept: 'Accept',
  reject: 'Reject',
  skip: 'Skip',
  takeBackMark: 'Take the word back',
  brush: 'Brush',
  eraser: 'Eraser',
  fill: 'Fill',
  region: 'Region',
  lasso: 'Lasso',
  wand: 'Magic wand',
  pick: 'Pick class',
  pan: 'Move the view',
  box: 'Box hint',
  point: 'Point hint',
  scribble: 'Scribble hint',
  larger: 'Larger brush',
  smaller: 'Smaller brush',
  grow: 'Grow the region',
  shrink: 'Shrink the region',
  smooth: 'Smooth the region',
  fillHoles: 'Fill the holes of the region',
  removeCrumbs: 'Remove the smallest regions',
  copyPrevious: 'Copy the mask of the previous photo',
  applyHints: 'Make the mask anew with hints',
  clearHints: 'Forget hints',
  nextClass: 'Next class',
  previousClass: 'Previous class',
  nextRegion: 'Next region',
  relabelRegion: 'Give the region the class in hand',
  removeRegion: 'Remove the region',
  restoreRegion: 'Restore the region',
  acceptRegion: 'Accept the removal',
  why: 'Why',
  classPage: 'Class page',
  zoomIn: 'Zoom in',
  zoomOut: 'Zoom out',
  fit: 'Fit',
  actualSize: 'Actual size',
  toggleOverlay: 'Show or hide all layers',
  toggleOutline: 'Outlines or fill',
  nextLayer: 'Next layer alone',
  soloLayer: 'This layer alone',
  sideBySide: 'Side by side',
  swipe: 'Swipe',
  compareNone: 'No comparison',
  focusQueue: 'To the queue',
  focusCanvas: 'To the picture',
  editTags: 'Change tags',
  help: 'Keys and help',
};

/** What only the page itself does, since it needs a key to be held or to be a digit. */
export const HELD_KEYS: readonly (readonly [keys: string, what: string])[] = [
  ['0 … 9', 'Choose the class with this id (0: background)'],
  ['Wheel', 'Zoom at the pointer'],
  ['Shift + wheel', 'Larger or smaller brush; tolerance of the wand'],
  ['Ctrl or right button', 'Brush erases, eraser paints; other tools take away'],
  ['Shift', 'Brush and lasso: over background only; fill: holes; wand: across regions; region: relabel'],
  ['Enter', 'A cursor on the picture: arrows move it, Enter presses and lets go'],
  ['Middle button', 'Move the view'],
  ['Escape', 'Give up what is being drawn; close what is open'],
];

/** 'Brush (B)', or 'Brush' where it has no key. `keys`: `Session.keys`. */
export function titleWithKey(command: ReviewCommand, keys: Readonly<Record<string, string>>): string {
  const key = keyOf(command, keys);
  return key ? `${COMMAND_TITLES[command]} (${key})` : COMMAND_TITLES[command];
}

/** The command's key as people write it; empty if it has none. */
export function keyOf(command: ReviewCommand, keys: Readonly<Record<string, string>>): string {
  return keys[command] ?? '';
}
