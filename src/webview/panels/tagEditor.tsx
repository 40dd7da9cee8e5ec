/**
 * The tags of the open photo: chosen among the data set's classes or typed anew, then the mask of this photo alone is made again.
 */
import { useState } from 'preact/hooks';
import type { Page } from '../page';
import { classNames, className, classText } from '../../shared/texts/words';
import { Button, Checkbox, IconButton, TextField } from './elements';
import { Dialog } from './dialog';
import { send } from './send';
import { Swatch } from './swatch';

export function TagEditor({ page }: { page: Page }) {
  const close = (): void => void (page.panels.over.value = null);
  const { classes, items, readOnly, dirty } = page.session.value;
  const index = page.photo.value?.index ?? -1;
  const item = items[index];
  const names = classNames(classes);
  const [tags, setTags] = useState<readonly string[]>(() => item?.tags.map(id => className(id, names)) ?? []);
  const [typed, setTyped] = useState('');
  if (!item || readOnly) {
    return (
      <Dialog title="Tags" onClose={close}>
        <p>{item ? 'Tags cannot be changed where SeedMask only looks.' : 'No photo is open.'}</p>
      </Dialog>
    );
  }
  const known = classes.filter(({ id, name }) => id > 0 && id < 255 && name.toLowerCase().includes(typed.trim().toLowerCase()));
  const own = tags.filter(tag => !classes.some(({ name }) => name === tag));
  const set = (tag: string, there: boolean): void => setTags(there ? [...tags.filter(one => one !== tag), tag] : tags.filter(one => one !== tag));
  const fresh = typed.trim();
  const isFresh = fresh !== '' && !classes.some(({ name }) => name === fresh) && !tags.includes(fresh);
  const add = (): void => {
    const match = classes.find(({ name }) => name === fresh) ?? (known.length === 1 && !isFresh ? known[0] : undefined);
    if (fresh === '') return;
    set(match?.name ?? fresh, true);
    setTyped('');
  };
  const run = (): void => {
    send(page, 'rerun', { index, tags: [...tags] });
    close();
  };
  return (
    <Dialog title={`Tags of ${item.photo}`} onClose={close}>
      <div class="row" data-first tabIndex={-1}>
        <TextField value={typed} label="Find or add a tag" placeholder="Find or add a tag" onInput={setTyped} onEnter={add} onEscape={close} autofocus />
        {isFresh && <Button onClick={add}>Add “{fresh}”</Button>}
      </div>
      {own.length > 0 && (
        <ul class="chips" aria-label="New tags">
          {own.map(tag => (
            <li key={tag} class="chip">
              {tag}
              <IconButton icon="close" label={`Remove ${tag}`} onClick={() => set(tag, false)} />
            </li>
          ))}
        </ul>
      )}
      <ul class="tag-list" aria-label="Classes of the data set">
        {known.map(({ id, name }) => (
          <li key={id}>
            <Checkbox checked={tags.includes(name)} onChange={there => set(name, there)}>
              <Swatch id={id} /> {classText(id, names)}
            </Checkbox>
          </li>
        ))}
      </ul>
      <p class="faint">
        {tags.length === 0 ? 'Without tags the mask is empty: nothing is looked for.' : 'The tags are kept for this photo and used by later runs; the tags file is not changed.'}
        {dirty.includes(index) && ' This photo has unsaved edits: you are asked about them first.'}
      </p>
      <div class="buttons">
        <Button primary onClick={run}>
          Make the mask anew
        </Button>
        <Button onClick={close}>Cancel</Button>
      </div>
    </Dialog>
  );
}
