/**
 * Every command with its key, as VS Code has them by default, and what only the page hears.
 */
import type { Page } from '../page';
import { COMMAND_TITLES, HELD_KEYS, HELP_GROUPS, keyOf } from '../texts/helpTexts';
import { Button } from './elements';
import { Dialog } from './dialog';
import { send } from './send';

export function Help({ page }: { page: Page }) {
  const { keys } = page.session.value;
  return (
    <Dialog title="Keys and help" onClose={() => (page.panels.over.value = null)}>
      <div class="help">
        {HELP_GROUPS.map(({ title, commands }) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {commands.map(command => (
                <div key={command}>
                  <dt>{COMMAND_TITLES[command]}</dt>
                  <dd>{keyOf(command, keys) ? <kbd>{keyOf(command, keys)}</kbd> : <span class="faint">no key</span>}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <section>
          <h3>In the page</h3>
          <dl>
            {HELD_KEYS.map(([key, what]) => (
              <div key={key}>
                <dt>{what}</dt>
                <dd>
                  <kbd>{key}</kbd>
                </dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
      <p class="faint">Your own keybindings are not shown here; VS Code has the list of those in force.</p>
      <div class="buttons">
        <Button primary onClick={() => send(page, 'command', { name: 'openKeybindings' })}>
          Change keys
        </Button>
        <Button onClick={() => send(page, 'command', { name: 'openSettings' })}>Settings</Button>
      </div>
    </Dialog>
  );
}
