// The language of debug builds that nobody reads: English with each word turned round by marks, from right to left
// (crates/pages/src/pseudo.rs). What types say is turned here.

export const PSEUDO = 'qps';

const START = '\u202e';
const END = '\u202c';

/** `Pay {/amount}` with `Pay` turned round. */
export function turned(text) {
  return text.replace(/\{[^}]*\}|[^\s{}[\]|]*[\p{L}\p{N}][^\s{}[\]|]*/gu, (part) => {
    const joint = /^\{([^:}]*):([^}]*)\}$/.exec(part);
    if (joint !== null) return `{${joint[1]}:${joint[2].replace(/[^/]+/g, (word) => `${START}${word}${END}`)}}`;
    return part.startsWith('{') ? part : `${START}${part}${END}`;
  });
}

/** A type that says the same in that language too. */
export function withPseudo(type) {
  const also = (texts) => texts && { ...texts, [PSEUDO]: each(texts.en) };
  const each = (text) => (Array.isArray(text) ? text.map(turned) : turned(text));
  const { title, sentence, limits, shown } = type;
  return {
    ...type,
    title: also(title),
    sentence: also(sentence),
    ...(limits && { limits: also(limits) }),
    ...(shown && { shown: { ...shown, does: also(shown.does), ...(shown.line && { line: also(shown.line) }) } }),
  };
}

/** What is left of a text without words from right to left, and without times, which every language writes in its own way. */
export const bare = (text) =>
  text
    .replace(/\u202e[^\u202c]*\u202c?|\p{Script=Hebrew}/gu, '')
    .replace(/\b(January|February|March|April|May|June|July|August|September|October|November|December|today|tomorrow|yesterday)\b/g, '')
    .replace(/\b\d{1,2}:\d\d(:\d\d)?\b|\b\d{1,2} *( \d{4})?,|\b\d{1,2} +\d{4}\b|\b20\d\d\b|\b(UTC|CET|CEST)\b|\b\d+ (minutes?|hours?)\b|less than a minute/g, '');
