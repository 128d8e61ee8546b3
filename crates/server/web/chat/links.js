// Finding links in what people write. Only http and https become links: a text that says
// `javascript:` stays text.

const LINK = /\bhttps?:\/\/[^\s<>"'`{}|\\^]+/giu;
const TRAILING = /[.,;:!?…]$/u;
const PAIRS = { ')': '(', ']': '[' };

/** The text in parts: `{text}` or `{text, href}`, which together are the text. */
export function findLinks(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(LINK)) {
    const shown = withoutTail(found[0]);
    const href = address(shown);
    if (!href) continue;
    if (found.index > end) parts.push({ text: text.slice(end, found.index) });
    parts.push({ text: shown, href });
    end = found.index + shown.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}

/** Punctuation that ends the sentence and not the address; a closing bracket stays where its partner is. */
function withoutTail(link) {
  for (;;) {
    const last = link.at(-1);
    const opening = PAIRS[last];
    const unpaired = opening && count(link, last) > count(link, opening);
    if (!unpaired && !TRAILING.test(link)) return link;
    link = link.slice(0, -1);
  }
}

function address(text) {
  try {
    const url = new URL(text);
    return url.hostname && (url.protocol === 'http:' || url.protocol === 'https:') ? url.href : null;
  } catch {
    return null;
  }
}

function count(text, letter) {
  return text.split(letter).length - 1;
}
