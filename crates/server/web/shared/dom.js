// Making elements. Text goes through text nodes only, so nothing a user wrote becomes markup.

/**
 * An element with attributes and children. `class`, `data-*`, `aria-*` and the like become
 * attributes; `onclick: fn` and the like become listeners; `true` sets and `false`, `null`
 * leave out an attribute. A child is a node, a string, or nothing.
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'value') element.value = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  append(element, children);
  return element;
}

/** Puts children in the place of what an element holds. */
export function replaceContent(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

/** Sets the text only where it differs, so that screen readers are not told twice. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A form field with its label, a hint and a place for what is wrong with it. */
export function field({ label, hint, input }) {
  const id = `field-${(fields += 1)}`;
  input.id = id;
  const notes = [];
  const hintLine = hint && el('p', { class: 'hint', id: `${id}-hint` }, hint);
  if (hintLine) notes.push(`${id}-hint`);
  const wrong = el('p', { class: 'field-error', id: `${id}-error`, role: 'alert' });
  notes.push(`${id}-error`);
  input.setAttribute('aria-describedby', notes.join(' '));
  const root = el('div', { class: 'field' }, el('label', { for: id }, label), input, hintLine, wrong);
  const complain = (text) => {
    setText(wrong, text);
    input.toggleAttribute('aria-invalid', text !== '');
    if (text) input.setAttribute('aria-invalid', 'true');
  };
  return { root, complain };
}

let fields = 0;

function append(element, children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child);
  }
}
