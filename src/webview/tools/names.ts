/**
 * How tools call labels when they say what they did.
 */
import { className, classNames } from '../../shared/texts/words';
import type { Page } from '../page';

/** The class' name; 'background' and 'ignore' for the labels that are no class. */
export function labelName(page: Page, id: number): string {
  return className(id, classNames(page.session.peek().classes));
}
