// Dialogs and menus on the browser's own `dialog` and `popover`, which keep the focus, close on Esc
// and give the focus back.

import { el } from './dom.js';
import { icon } from './icons.js';

/**
 * Opens a dialog with a title and content; answers with `{dialog, close}`. It is removed when
 * closed, and `onClose` is called.
 */
export function openDialog({ title, content, className = '', onClose = () => {} }) {
  // One may open above another: each has its own title.
  const titleId = `dialog-title-${(opened += 1)}`;
  const heading = el('h2', { id: titleId }, title);
  const close = () => dialog.close();
  const dialog = el('dialog', { class: `dialog ${className}`.trim(), 'aria-labelledby': titleId },
    el('header', { class: 'dialog-head' },
      heading,
      el('button', { type: 'button', class: 'icon-button', 'aria-label': 'Close', onclick: close }, icon('close')),
    ),
    content,
  );
  // A click on the backdrop is a click on the dialog itself, outside of all its children.
  dialog.addEventListener('pointerdown', (event) => {
    if (event.target === dialog && isOutside(dialog, event)) close();
  });
  dialog.addEventListener('close', () => {
    dialog.remove();
    onClose();
  });
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, close };
}

let opened = 0;

/** Asks before something that cannot be undone; resolves with whether to do it. */
export function confirmDialog({ title, text, action }) {
  return new Promise((resolve) => {
    let answer = false;
    const decide = (value) => {
      answer = value;
      close();
    };
    const content = el('div', { class: 'dialog-body' },
      el('p', {}, text),
      el('div', { class: 'dialog-actions' },
        el('button', { type: 'button', class: 'button', autofocus: true, onclick: () => decide(false) }, 'Cancel'),
        el('button', { type: 'button', class: 'button danger', onclick: () => decide(true) }, action),
      ),
    );
    const { close } = openDialog({ title, content, className: 'small', onClose: () => resolve(answer) });
  });
}

/** A button that opens a menu of `items()`: `{label, icon?, danger?, checked?, run}` or `null` for a line. */
export function menuButton({ button, items, className = '' }) {
  const menu = el('div', { class: `menu ${className}`.trim(), popover: 'auto', role: 'menu' });
  const fill = () => {
    menu.replaceChildren(...items().map((item) => (item === null ? el('hr') : menuItem(menu, item))));
  };
  button.setAttribute('aria-haspopup', 'menu');
  button.popoverTargetElement = menu;
  menu.addEventListener('beforetoggle', (event) => {
    const opens = event.newState === 'open';
    button.setAttribute('aria-expanded', String(opens));
    if (opens) fill();
  });
  menu.addEventListener('toggle', (event) => {
    if (event.newState !== 'open') return;
    place(menu, button);
    menu.querySelector('button')?.focus();
  });
  menu.addEventListener('keydown', (event) => walk(menu, event));
  button.setAttribute('aria-expanded', 'false');
  return menu;
}

/** Puts an open popover beside what opened it, inside the window. */
export function place(popover, anchor) {
  const box = anchor.getBoundingClientRect();
  const own = popover.getBoundingClientRect();
  const below = box.bottom + own.height + 8 < innerHeight;
  const top = below ? box.bottom + 6 : Math.max(8, box.top - own.height - 6);
  const left = Math.min(Math.max(8, box.right - own.width), innerWidth - own.width - 8);
  popover.style.top = `${top}px`;
  popover.style.left = `${Math.max(8, left)}px`;
}

function menuItem(menu, { label, icon: name, danger, checked, run }) {
  return el('button', {
    type: 'button',
    role: checked === undefined ? 'menuitem' : 'menuitemradio',
    'aria-checked': checked === undefined ? null : String(checked),
    class: danger ? 'danger' : null,
    onclick: () => {
      menu.hidePopover();
      run();
    },
  }, name ? icon(name) : el('span', { class: 'icon' }), label);
}

function walk(menu, event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const buttons = [...menu.querySelectorAll('button')];
  const at = buttons.indexOf(document.activeElement);
  buttons[(at + step + buttons.length) % buttons.length]?.focus();
}

function isOutside(dialog, { clientX, clientY }) {
  const box = dialog.getBoundingClientRect();
  return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom;
}
