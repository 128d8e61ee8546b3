// The sections of the console, one of which is seen. Which one is in the address, behind #, so that
// it can be linked to and the browser's Back goes back.

import { el } from '../shared/dom.js';

/**
 * `sections` are `{name, title, root, open?(argument), close?()}`; the first is seen where the
 * address names none. `#name/argument` opens one with an argument.
 */
export class Sections {
  #sections;
  #links;
  #seen = null;
  #listen = () => this.#follow();

  constructor(sections) {
    this.#sections = sections;
    this.#links = sections.map(({ name, title }) => el('a', { href: `#${name}` }, title));
    this.nav = el('nav', { class: 'sections', 'aria-label': 'Console' }, this.#links);
    for (const { root } of sections) root.hidden = true;
    addEventListener('hashchange', this.#listen);
    this.#follow();
  }

  /** Shows nothing any more. */
  end() {
    removeEventListener('hashchange', this.#listen);
    this.#seen?.close?.();
    this.#seen = null;
  }

  #follow() {
    const { name, argument } = read(location.hash);
    const section = this.#sections.find((one) => one.name === name) ?? this.#sections[0];
    if (this.#seen && this.#seen !== section) {
      this.#seen.close?.();
      this.#seen.root.hidden = true;
    }
    this.#sections.forEach((one, place) => {
      if (one === section) this.#links[place].setAttribute('aria-current', 'page');
      else this.#links[place].removeAttribute('aria-current');
    });
    this.#seen = section;
    section.root.hidden = false;
    section.open?.(argument);
  }
}

/** The address of a section. */
export function address(name, argument) {
  return `#${name}/${encodeURIComponent(argument)}`;
}

/** What an address says: `{name, argument}`. */
export function read(hash) {
  const [name, ...rest] = hash.replace(/^#/, '').split('/');
  try {
    return { name, argument: decodeURIComponent(rest.join('/')) };
  } catch {
    return { name, argument: '' };
  }
}
