// Finding links in what people write. Only http and https become links: a text that says
// `javascript:` stays text.

const LINK = /\bhttps?:\/\/[^\s<>"'`{}|\\^]+/giu;
const TRAILING = new Set('.,;:!?…');
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
  // Counted once: somebody will send sixteen thousand brackets to see what happens.
  const surplus = {};
  for (const [closing, opening] of Object.entries(PAIRS)) surplus[closing] = count(link, closing) - count(link, opening);
  let end = link.length;
  for (; end > 0; end -= 1) {
    const last = link[end - 1];
    if (surplus[last] > 0) surplus[last] -= 1;
    else if (!TRAILING.has(last)) break;
  }
  return link.slice(0, end);
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
