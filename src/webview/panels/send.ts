/**
 * Asking the extension from a panel that does not wait for the answer: what fails is said.
 */
import { describeError } from '../../shared/errors';
import type { Ask, AskParams } from '../../shared/pageMessages';
import type { Page } from '../page';

export function send<A extends Ask>(page: Page, ask: A, params: AskParams<A>): void {
  page.ask(ask, params).catch((error: unknown) => page.say(describeError(error)));
}
