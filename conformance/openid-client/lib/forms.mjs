// Reads the first form of a page that has the wanted button, as a browser without scripts would submit it. A button is
// wanted by its id, its name, or `name=value`.

/** `{ action, method, fields }`; `fields` holds hidden inputs, ticked boxes and the button, and takes what a person types. */
export function formWith(html, button) {
  for (const [, head, body] of html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)) {
    const controls = controlsOf(body);
    const pressed = controls.find((control) => isButton(control) && named(control, button));
    if (pressed === undefined) continue;
    // A button may belong to a form elsewhere on the page.
    const own = { head, controls };
    const form = pressed.form === undefined ? own : formOf(html, pressed.form);
    const { action = '', method = 'get' } = attributesOf(form.head);
    return {
      action: pressed.formaction ?? action,
      method: method.toUpperCase(),
      fields: fieldsOf(form.controls, pressed),
    };
  }
  return undefined;
}

function formOf(html, id) {
  for (const [, head, body] of html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)) {
    if (attributesOf(head).id === id) return { head, controls: controlsOf(body) };
  }
  throw new Error(`no form has the id \`${id}\``);
}

function fieldsOf(controls, pressed) {
  const fields = new URLSearchParams();
  for (const control of controls) {
    if (control.name === undefined || 'disabled' in control || control.form !== undefined) continue;
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
const named = (control, wanted) =>
  [control.id, control.name, `${control.name}=${control.value}`].includes(wanted);

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
