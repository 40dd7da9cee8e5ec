/**
 * Keys that the page hears itself, since they are held or typed and not commands: H shows the bare photo while it is held, digits choose the class of that id (two
 * digits in a row make one number), Escape cancels. All other keys are left to VS Code, which sends commands.
 */
import { IGNORE } from '../shared/maps';
import type { Page } from './page';
import { labelName } from './tools/names';

/** Digits that follow each other within this time belong together, ms. */
const TOGETHER = 700;

/** @returns stops listening */
export function listenToKeys(page: Page, target: Window): () => void {
  let typed = { digits: '', at: -Infinity };
  const down = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    if (event.key === 'h' || event.key === 'H') page.looks.peek.value = true;
    if (/^[0-9]$/.test(event.key)) {
      const digits = event.timeStamp - typed.at < TOGETHER ? typed.digits + event.key : event.key;
      typed = { digits: chooseClass(page, digits) ? digits : event.key, at: event.timeStamp };
      if (typed.digits !== digits) chooseClass(page, event.key);
    }
    if (event.key === 'Escape' && page.panels.over.peek() !== null) page.panels.over.value = null;
  };
  const up = (event: KeyboardEvent): void => {
    if (event.key === 'h' || event.key === 'H') page.looks.peek.value = false;
  };
  const left = (): void => void (page.looks.peek.value = false);
  target.addEventListener('keydown', down);
  target.addEventListener('keyup', up);
  target.addEventListener('blur', left);
  return () => {
    target.removeEventListener('keydown', down);
    target.removeEventListener('keyup', up);
    target.removeEventListener('blur', left);
  };
}

/** Whether `digits` are the id of a class of the table, background or ignore, which the hand then holds. */
function chooseClass(page: Page, digits: string): boolean {
  const id = Number(digits);
  const { classes } = page.session.peek();
  if (id !== 0 && id !== IGNORE && !classes.some(known => known.id === id)) return false;
  page.hand.classId.value = id;
  page.say(`Class ${id}: ${labelName(page, id)}`);
  return true;
}

/** Whether the key goes into a field. Events of custom elements' inner fields come as theirs, so the whole path is looked at. */
function isTyping(event: KeyboardEvent): boolean {
  return event.composedPath().some(node => node instanceof HTMLElement && (node.isContentEditable || /^(input:(?!checkbox|radio|range)|textarea:|select:)/.test(`${node.localName}:${node.getAttribute('type') ?? ''}`)));
}
