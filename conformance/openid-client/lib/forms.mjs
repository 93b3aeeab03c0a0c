// Reads the first form of a page that has the wanted button, as a browser without scripts would submit it. A button is
// wanted by its id, its name, or `name=value`.

/** `{ action, method, fields }`; `fields` holds hidden inputs, ticked boxes and the button, and takes what a person types. */
export function formWith(html, button) {
  const controls = controlsOf(html);
  const pressed = controls.find((control) => control.owner !== undefined && isButton(control) && named(control, button));
  if (pressed === undefined) return undefined;
  const { action = '', method = 'get' } = pressed.owner;
  const own = controls.filter((control) => control.owner === pressed.owner);
  return {
    action: pressed.formaction ?? action,
    method: method.toUpperCase(),
    fields: fieldsOf(own, pressed),
  };
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

/** Every control with its owner: the form that its `form` attribute names, else the one around it (HTML section 4.10.17.3). */
function controlsOf(html) {
  const tags = [...html.matchAll(/<(\/?form|input|button|textarea|select)\b([^>]*)>/gi)]
    .map(([, tag, text]) => ({ tag: tag.toLowerCase(), attributes: attributesOf(text) }));
  const forms = tags.filter(({ tag }) => tag === 'form').map(({ attributes }) => attributes);
  const controls = [];
  let around;
  for (const { tag, attributes } of tags) {
    if (tag === 'form') around = attributes;
    else if (tag === '/form') around = undefined;
    else {
      const owner = attributes.form === undefined ? around : forms.find(({ id }) => id === attributes.form);
      const type = attributes.type?.toLowerCase() ?? (tag === 'button' ? 'submit' : 'text');
      controls.push({ ...attributes, type, owner });
    }
  }
  return controls;
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
