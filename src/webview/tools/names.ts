/**
 * How tools call labels when they say what they did.
 */
import type { Page } from '../page';
import { nameOfClass } from '../readout';

/** The class' name; 'background' and 'ignore' for the labels that are no class. */
export function labelName(page: Page, id: number): string {
  return nameOfClass(page.session.peek().classes, id);
}
