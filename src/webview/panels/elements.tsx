/**
 * The controls that panels are made of: VS Code's toolkit elements (registered in controls.ts) as typed components, and the small ones that the toolkit lacks.
 * Icons are codicons.
 */
import { createElement, type ComponentChildren } from 'preact';

/** Strokes in a box of 16, of tools that codicons have no picture of. */
const DRAWN: Record<string, string> = {
  brush: 'M13.5 1.8 7.6 8.4M14.4 2.6 8.6 9.2M7.2 8.6c-1.6-.3-2.9.7-3.2 2.2-.2 1.2-.9 2-2 2.4 2.4 1.5 6 .7 6.5-2 .1-.9-.2-1.9-1.3-2.600z',
  lasso: 'M5.5 10.300C3 9.8 1.5 8.5 1.5 6.800c0-2.5 2.9-4.3 6.5-4.300s6.5 1.8 6.5 4.300S11.6 11 8 11c-.7 0-1.4-.1-2.1-.2M5.7 10.700a1.3 1.3 0 1 0-1.7 1.100c1.1-.2 1.7-.6 1.7-1.100zM4 11.800c.5.9.3 1.7-.8 2.4',
  eyedropper: 'M9.2 4.600l2.2 2.200M8.3 3.700l4 4M10.3 5.700l1.6-1.600a1.5 1.5 0 0 0-2.1-2.100L8.3 3.700M9 5.3 3 11.3 2.3 13.700l2.4-.7 6-6',
  scribble: 'M1.5 11.500c2-6 4-7.5 4.6-6.5.9 1.5-2.6 6.5-1.2 7 1.6.6 3.4-6.5 4.9-5.8 1.2.6-1.7 4.6-.4 5.2 1.1.5 2.9-2.4 4.9-3.9',
};

/** A codicon by name, or one of ours; never read out. */
export function Icon({ name }: { name: string }) {
  const strokes = DRAWN[name];
  if (strokes === undefined) return <span class={`codicon codicon-${name}`} aria-hidden="true" />;
  return (
    <svg class="drawn-icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={strokes} fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}

export interface ButtonProps {
  onClick(): void;
  children: ComponentChildren;
  primary?: boolean;
  disabled?: boolean;
  title?: string;
}

/** A button with words. */
export function Button({ onClick, children, primary = false, disabled = false, title }: ButtonProps) {
  return createElement('vscode-button', { appearance: primary ? 'primary' : 'secondary', disabled, 'data-tip': title, onClick: () => !disabled && onClick() }, children);
}

export interface IconButtonProps {
  icon: string;
  /** What a screen reader says. */
  label: string;
  /** Tooltip; the label if not given. */
  tip?: string;
  onClick(): void;
  pressed?: boolean;
  disabled?: boolean;
  /** Text beside the icon. */
  children?: ComponentChildren;
}

/** A button with an icon, for toolbars and rows. `pressed` makes it a toggle. */
export function IconButton({ icon, label, tip = label, onClick, pressed, disabled = false, children }: IconButtonProps) {
  return (
    <button type="button" class="icon-button" aria-label={label} data-tip={tip} aria-pressed={pressed} aria-disabled={disabled || undefined} onClick={() => !disabled && onClick()}>
      <Icon name={icon} />
      {children}
    </button>
  );
}

export interface CheckboxProps {
  checked: boolean;
  onChange(checked: boolean): void;
  children: ComponentChildren;
  disabled?: boolean;
}

export function Checkbox({ checked, onChange, children, disabled = false }: CheckboxProps) {
  // The toolkit's checkbox also reports changes that were not a person's.
  const changed = ({ currentTarget }: { currentTarget: EventTarget | null }): void => {
    const now = (currentTarget as { checked?: boolean } | null)?.checked === true;
    if (now !== checked) onChange(now);
  };
  return createElement('vscode-checkbox', { checked, disabled, onChange: changed }, children);
}

export interface TextFieldProps {
  value: string;
  label: string;
  placeholder?: string;
  onInput(value: string): void;
  onEnter?(): void;
  onEscape?(): void;
  autofocus?: boolean;
}

/** One line of text. Letters that are typed here are not commands. */
export function TextField({ value, label, placeholder, onInput, onEnter, onEscape, autofocus = false }: TextFieldProps) {
  const typed = ({ currentTarget }: { currentTarget: EventTarget | null }): void => onInput((currentTarget as { value?: string } | null)?.value ?? '');
  const pressed = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && onEnter) onEnter();
    else if (event.key === 'Escape' && onEscape) onEscape();
    else return keepTyping(event);
    event.stopPropagation();
  };
  // The toolkit takes the name of a field from its content; the styles keep that out of sight.
  return createElement('vscode-text-field', { value, placeholder, autofocus, onInput: typed, onKeyDown: pressed }, label);
}

export interface SelectProps<T extends string> {
  value: T;
  label: string;
  options: readonly { value: T; text: string; title?: string }[];
  onChange(value: T): void;
}

/** A choice of one among few; the browser's own, whose list is never cut off by a panel's edge. */
export function Select<T extends string>({ value, label, options, onChange }: SelectProps<T>) {
  const now = options.find(option => option.value === value)?.text;
  const chosen = (event: { currentTarget: HTMLSelectElement }): void => {
    const option = options.find(one => one.value === event.currentTarget.value);
    if (option) onChange(option.value);
  };
  return (
    <select class="select" value={value} aria-label={label} data-tip={now ? `${label}: ${now}` : label} onChange={chosen} onKeyDown={keepTyping}>
      {options.map(option => (
        <option key={option.value} value={option.value} title={option.title}>
          {option.text}
        </option>
      ))}
    </select>
  );
}

export interface SliderProps {
  value: number;
  min: number;
  max: number;
  step: number;
  label: string;
  /** The value in words. */
  text: string;
  onInput(value: number): void;
  disabled?: boolean;
}

export function Slider({ value, min, max, step, label, text, onInput, disabled = false }: SliderProps) {
  return (
    <input
      type="range"
      class="slider"
      {...{ value, min, max, step, disabled }}
      aria-label={label}
      aria-valuetext={text}
      data-tip={`${label}: ${text}`}
      onInput={event => onInput(Number(event.currentTarget.value))}
      onKeyDown={keepTyping}
    />
  );
}

export function ProgressRing({ label }: { label: string }) {
  return createElement('vscode-progress-ring', { 'aria-label': label, class: 'ring' });
}

/** Keys that a field needs for itself although Ctrl or Cmd is held: selecting all, its own undo, moving and deleting by words. */
const OWN_WITH_CTRL = /^([azy]|arrow.*|home|end|backspace|delete)$/i;

/** Keeps keys that a field needs for itself from becoming commands; other ones with Ctrl, Cmd or Alt, function keys and Escape go on. */
function keepTyping(event: KeyboardEvent): void {
  const own = event.ctrlKey || event.metaKey ? OWN_WITH_CTRL.test(event.key) : !event.altKey && !/^(F\d+|Escape)$/.test(event.key);
  if (own) event.stopPropagation();
}
