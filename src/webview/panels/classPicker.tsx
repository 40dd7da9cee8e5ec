/**
 * The class that the hand paints: a button that shows it and opens the list of all classes. Arrow keys and typed letters or digits move in the list, Enter chooses.
 */
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { IGNORE } from '../../shared/maps';
import type { Page } from '../page';
import { classNames, classText } from '../../shared/texts/words';
import { Icon } from './elements';
import { Swatch } from './swatch';

/** Letters typed within this time belong together, ms. */
const TOGETHER = 800;

/** Background, the table's classes, ignore. */
function paintedClasses(page: Page): { id: number; text: string }[] {
  const { classes } = page.session.value;
  const names = classNames(classes);
  const ids = [0, ...classes.map(({ id }) => id).filter(id => id > 0 && id < IGNORE), IGNORE];
  return ids.map(id => ({ id, text: classText(id, names) }));
}

export function ClassPicker({ page }: { page: Page }) {
  const listId = useId();
  const root = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const typed = useRef({ text: '', at: 0 });
  const classes = paintedClasses(page);
  const chosen = classes.find(({ id }) => id === page.hand.classId.value) ?? classes[0];

  useEffect(() => {
    if (!open) return;
    root.current?.querySelector('[data-active="true"]')?.scrollIntoView({ block: 'nearest' });
    const outside = (event: Event): void => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener('pointerdown', outside, true);
    return () => document.removeEventListener('pointerdown', outside, true);
  }, [open, active]);

  const show = (): void => {
    setActive(classes.indexOf(chosen));
    setOpen(true);
  };
  const choose = (at: number): void => {
    page.hand.classId.value = classes[at].id;
    setOpen(false);
  };
  const find = (letter: string, now: number): void => {
    const text = (now - typed.current.at < TOGETHER ? typed.current.text : '') + letter.toLowerCase();
    typed.current = { text, at: now };
    const at = classes.findIndex(one => String(one.id) === text || one.text.toLowerCase().startsWith(text));
    if (at >= 0) setActive(at);
  };
  const pressed = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const last = classes.length - 1;
    const moved = { ArrowDown: Math.min(last, active + 1), ArrowUp: Math.max(0, active - 1), Home: 0, End: last }[event.key];
    if (!open) {
      if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
      show();
    } else if (moved !== undefined) setActive(moved);
    else if (event.key === 'Enter' || event.key === ' ') choose(active);
    else if (event.key === 'Escape' || event.key === 'Tab') setOpen(false);
    else if (event.key.length === 1) find(event.key, event.timeStamp);
    if (event.key !== 'Tab') event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="class-picker" ref={root}>
      <button
        type="button"
        class="icon-button"
        role="combobox"
        aria-label={`Class: ${chosen.text}`}
        aria-haspopup="listbox"
        aria-expanded={open}
        aria-controls={listId}
        aria-activedescendant={open ? `${listId}-${active}` : undefined}
        data-tip="Class that is painted (digits choose by id)"
        onClick={() => (open ? setOpen(false) : show())}
        onKeyDown={pressed}
        onBlur={() => setOpen(false)}
      >
        <Swatch id={chosen.id} />
        <span class="class-name">{chosen.text}</span>
        <Icon name="chevron-down" />
      </button>
      {open && (
        <ul id={listId} class="popup" role="listbox" aria-label="Classes">
          {classes.map(({ id, text }, at) => (
            <li
              key={id}
              id={`${listId}-${at}`}
              role="option"
              aria-selected={id === chosen.id}
              data-active={at === active}
              onPointerDown={event => {
                event.preventDefault();
                choose(at);
              }}
            >
              <Swatch id={id} />
              <span>{text}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
