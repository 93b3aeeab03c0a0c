// Reads the first form of a page that has the wanted button, as a browser without scripts would submit it.

/** `{ action, method, fields }`; `fields` holds hidden inputs, ticked boxes and the button, and takes what a person types. */
export function formWith(html, button) {
  for (const [, head, body] of html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)) {
    const controls = controlsOf(body);
    const pressed = controls.find((control) => isButton(control) && named(control, button));
    if (pressed === undefined) continue;
    const form = attributesOf(head);
    return {
      action: pressed.formaction ?? form.action ?? '',
      method: (form.method ?? 'get').toUpperCase(),
      fields: fieldsOf(controls, pressed),
    };
  }
  return undefined;
}

function fieldsOf(controls, pressed) {
  const fields = new URLSearchParams();
  for (const control of controls) {
    if (control.name === undefined || 'disabled' in control) continue;
    // A person who means yes to everything ticks every box; of radio buttons the marked one stays.
    const chosen = control.type !== 'radio' || 'checked' in control;
    if (!isButton(control) && chosen) fields.append(control.name, valueOf(control));
  }
  if (pressed.name !== undefined) fields.append(pressed.name, pressed.value ?? '');
  return fields;
}

function valueOf(control) {
  return control.value ?? (control.type === 'checkbox' ? 'on' : '');
}

function controlsOf(html) {
  const tags = html.matchAll(/<(input|button|textarea|select)\b([^>]*)>/gi);
  return [...tags].map(([, tag, text]) => {
    const attributes = attributesOf(text);
    const type = attributes.type?.toLowerCase() ?? (tag.toLowerCase() === 'button' ? 'submit' : 'text');
    return { ...attributes, type };
  });
}

const isButton = (control) => control.type === 'submit' || control.type === 'button';
const named = (control, name) => control.id === name || control.name === name;

function attributesOf(text) {
  const found = text.matchAll(/([^\s"'=<>/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g);
  return Object.fromEntries(
    [...found].map(([, name, double, single, bare]) => [
      name.toLowerCase(),
      decoded(double ?? single ?? bare ?? ''),
    ]),
  );
}

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decoded(text) {
  return text.replace(/&(?:#x([0-9a-f]+)|#([0-9]+)|([a-z]+));/gi, (whole, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(parseInt(hex, 16));
    if (decimal) return String.fromCodePoint(parseInt(decimal, 10));
    return ENTITIES[name] ?? whole;
  });
}
