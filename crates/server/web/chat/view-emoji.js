// A small emoji picker in a popover.

import { el } from '../shared/dom.js';
import { place } from '../shared/dialog.js';

const COLUMNS = 8;
const CHOICES = {
  '👍': 'thumbs up', '👎': 'thumbs down', '❤️': 'heart', '😂': 'tears of joy', '😮': 'surprised', '😢': 'sad', '🙏': 'thanks', '🎉': 'party',
  '😀': 'grin', '😊': 'smile', '😉': 'wink', '😍': 'in love', '🤔': 'thinking', '😅': 'relieved', '😴': 'asleep', '😭': 'crying',
  '👋': 'wave', '👏': 'applause', '💪': 'strong', '🤝': 'handshake', '👀': 'eyes', '✅': 'done', '❌': 'no', '❓': 'question',
  '🔥': 'fire', '✨': 'sparkles', '🚀': 'rocket', '🔔': 'bell', '☕': 'coffee', '🍕': 'pizza', '🌻': 'sunflower', '🐛': 'bug',
};

/** Opens the picker beside `anchor`; resolves with an emoji, or null. */
export function pickEmoji(anchor) {
  return new Promise((resolve) => {
    let picked = null;
    const buttons = Object.entries(CHOICES).map(([emoji, name]) => el('button', {
      type: 'button', class: 'emoji', 'aria-label': name, title: name,
      onclick: () => {
        picked = emoji;
        picker.hidePopover();
      },
    }, emoji));
    const picker = el('div', { class: 'menu emoji-grid', popover: 'auto', role: 'group', 'aria-label': 'Emoji' }, buttons);
    picker.addEventListener('keydown', (event) => walk(buttons, event));
    picker.addEventListener('toggle', (event) => {
      if (event.newState === 'open') return;
      picker.remove();
      resolve(picked);
    });
    document.body.append(picker);
    picker.showPopover();
    place(picker, anchor);
    buttons[0].focus();
  });
}

function walk(buttons, event) {
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS }[event.key];
  if (!step) return;
  event.preventDefault();
  const at = buttons.indexOf(document.activeElement) + step;
  buttons[(at + buttons.length) % buttons.length].focus();
}
