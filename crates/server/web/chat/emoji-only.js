// Whether a message is nothing but a few emoji, which are then shown large.

const LENGTH_MAX = 60;

// There is one way only to read any text with this, so that no text takes long to refuse.
const FEW_EMOJI = /^(?:(?:\p{Regional_Indicator}{2}|\p{Extended_Pictographic}(?:\uFE0F|\p{Emoji_Modifier}|\u200D\p{Extended_Pictographic})*) *){1,3}$/u;

/** One to three emoji and spaces. */
export function isEmojiOnly(text) {
  return text.length <= LENGTH_MAX && FEW_EMOJI.test(text);
}
