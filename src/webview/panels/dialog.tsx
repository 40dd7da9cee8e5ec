/**
 * Something over the page that has the keyboard until it is closed: by Escape, by its button, or by a click beside it. The focus then goes back to where it was.
 */
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { IconButton } from './elements';

export interface DialogProps {
  title: string;
  onClose(): void;
  children: ComponentChildren;
}

const FOCUSABLE = 'button:not([tabindex="-1"]), input, select, a[href], vscode-button, vscode-text-field, vscode-checkbox, [tabindex="0"]';

export function Dialog({ title, onClose, children }: DialogProps) {
  const box = useRef<HTMLDivElement>(null);
  const heading = useId();
  useLayoutEffect(() => {
    const before = document.activeElement;
    const first = box.current?.querySelector<HTMLElement>('[data-first]') ?? box.current;
    first?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const pressed = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      onClose();
    } else if (event.key === 'Tab') keepInside(event, box.current);
    else if (!event.ctrlKey && !event.metaKey && !/^F\d+$/.test(event.key)) event.stopPropagation();
  };
  return (
    <div
      class="curtain"
      onPointerDown={event => {
        if (event.target === event.currentTarget) onClose();
      }}
    >
      <div ref={box} class="dialog" role="dialog" aria-modal="true" aria-labelledby={heading} tabIndex={-1} onKeyDown={pressed}>
        <div class="row">
          <h2 id={heading} class="grow">
            {title}
          </h2>
          <IconButton icon="close" label="Close" tip="Close (Esc)" onClick={onClose} />
        </div>
        {children}
      </div>
    </div>
  );
}

/** Tab goes round inside. */
function keepInside(event: KeyboardEvent, box: HTMLElement | null): void {
  const all = [...(box?.querySelectorAll<HTMLElement>(FOCUSABLE) ?? [])].filter(element => element.offsetParent !== null);
  const first = all[0];
  const last = all[all.length - 1];
  if (!first || !last) return;
  const at = document.activeElement;
  if (event.shiftKey ? at === first || at === box : at === last) {
    event.preventDefault();
    (event.shiftKey ? last : first).focus();
  }
}
