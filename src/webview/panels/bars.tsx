/**
 * Bars under the toolbar that stay until they are dealt with: a mask that changed on disk under unsaved edits, looking only, notes on the data set, a run.
 */
import { useState } from 'preact/hooks';
import type { AskParams } from '../../shared/pageMessages';
import { plural } from '../../shared/runTexts';
import type { Page } from '../page';
import { Button, Icon, IconButton, ProgressRing } from './elements';
import { send } from './send';

export function Bars({ page }: { page: Page }) {
  const { readOnly, run, conflicts, notes } = page.session.value;
  const [read, setRead] = useState<readonly string[]>([]);
  return (
    <>
      {conflicts.length > 0 && <ConflictBar page={page} conflicts={conflicts} />}
      {readOnly && (
        <div class="bar" role="status">
          <Icon name="lock" /> Looking only: this folder is not trusted, so SeedMask neither runs nor writes here.
        </div>
      )}
      {run !== null && (
        <div class="bar" role="status">
          <ProgressRing label="A run is under way" /> {run}
        </div>
      )}
      {notes.filter(note => !read.includes(note)).map(note => (
        <div class="bar" role="note" key={note}>
          <Icon name="info" /> <span class="grow">{note}</span>
          <IconButton icon="close" label="Hide this note" onClick={() => setRead([...read, note])} />
        </div>
      ))}
    </>
  );
}

function ConflictBar({ page, conflicts }: { page: Page; conflicts: readonly number[] }) {
  const { items, current } = page.session.value;
  const index = conflicts.includes(current) ? current : conflicts[0];
  const resolve = (how: AskParams<'resolve'>['how']): void => send(page, 'resolve', { index, how });
  return (
    <div class="bar warning" role="alert">
      <Icon name="warning" />
      <span class="grow">
        The mask of {items[index]?.photo} changed on disk while it has unsaved edits{conflicts.length > 1 && ` (${plural(conflicts.length, 'such mask')})`}.
      </span>
      {index !== current && <Button onClick={() => page.goTo(index)}>Show</Button>}
      <Button onClick={() => resolve('compare')} title="Show both masks side by side">
        Compare
      </Button>
      <Button onClick={() => resolve('mine')} title="Saving replaces what is on disk">
        Keep mine
      </Button>
      <Button onClick={() => resolve('reload')} title="Give up the unsaved edits of this photo">
        Reload
      </Button>
    </div>
  );
}
