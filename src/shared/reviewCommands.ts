/**
 * Commands of the review (`seedmask.review.<name>` in VS Code, keybindings in the manifest); the page carries them out. They stand apart from the wire, so that VS Code's
 * start does not have to build its schemas.
 */

export const REVIEW_COMMANDS = [
  'nextPhoto', 'previousPhoto', 'nextUnreviewed', 'acceptAndNext', 'rejectAndNext', 'accept', 'reject', 'skip', 'takeBackMark',
  'brush', 'eraser', 'fill', 'region', 'lasso', 'wand', 'pick', 'pan', 'box', 'point', 'scribble',
  'larger', 'smaller', 'grow', 'shrink', 'smooth', 'fillHoles', 'removeCrumbs', 'copyPrevious', 'applyHints', 'clearHints',
  'nextClass', 'previousClass', 'nextRegion', 'relabelRegion', 'removeRegion', 'restoreRegion', 'acceptRegion', 'why', 'classPage',
  'zoomIn', 'zoomOut', 'fit', 'actualSize', 'toggleOverlay', 'toggleOutline', 'nextLayer', 'soloLayer', 'sideBySide', 'swipe', 'compareNone',
  'focusQueue', 'focusCanvas', 'editTags', 'help',
] as const;
export type ReviewCommand = (typeof REVIEW_COMMANDS)[number];
