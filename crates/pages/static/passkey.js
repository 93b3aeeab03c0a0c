// Passkeys (WebAuthn level 3): log in, approve, add one. The answer travels in a field of an ordinary form.

const form = (name) => document.querySelector(`form[data-passkey="${name}"]`);
const forms = (name) => document.querySelectorAll(`form[data-passkey="${name}"]`);

const possible = window.isSecureContext && 'PublicKeyCredential' in window && 'credentials' in navigator;

/* JSON and back, where the browser cannot do it itself */

const encode = (buffer) => {
  const text = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
};

const decode = (text) => {
  const plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0)).buffer;
};

const withIds = (list) => list?.map((one) => ({ ...one, id: decode(one.id) }));

function creationOptions(json) {
  if (PublicKeyCredential.parseCreationOptionsFromJSON) {
    return PublicKeyCredential.parseCreationOptionsFromJSON(json);
  }
  return {
    ...json,
    challenge: decode(json.challenge),
    user: { ...json.user, id: decode(json.user.id) },
    excludeCredentials: withIds(json.excludeCredentials),
  };
}

function requestOptions(json) {
  if (PublicKeyCredential.parseRequestOptionsFromJSON) {
    return PublicKeyCredential.parseRequestOptionsFromJSON(json);
  }
  return { ...json, challenge: decode(json.challenge), allowCredentials: withIds(json.allowCredentials) };
}

function asJson(credential) {
  if (credential.toJSON) return credential.toJSON();
  const { response } = credential;
  const parts = ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle'];
  const given = parts.filter((part) => response[part]);
  return {
    id: credential.id,
    rawId: encode(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: {
      ...Object.fromEntries(given.map((part) => [part, encode(response[part])])),
      ...(response.getTransports && { transports: response.getTransports() }),
    },
  };
}

const request = async (json, how = {}) =>
  asJson(await navigator.credentials.get({ publicKey: requestOptions(json.publicKey ?? json), ...how }));

const create = async (json) =>
  asJson(await navigator.credentials.create({ publicKey: creationOptions(json.publicKey ?? json) }));

/* Forms */

/** Options that the server makes only when they are wanted. A refusal is named by its message on the page, if it has one. */
async function options(of, path = of.dataset.options, fields = {}) {
  const csrf = of.querySelector('[name="csrf"]').value;
  const answer = await fetch(path, {
    method: 'POST',
    body: new URLSearchParams({ csrf, ...fields }),
    headers: { accept: 'application/json' },
  });
  const json = await answer.json();
  if (!answer.ok) throw new Error(json.error);
  return json;
}

/** Where the messages of this form stand. */
const said = (of) => document.getElementById(of.dataset.says) ?? of;

const show = (of, name) => {
  for (const part of said(of).querySelectorAll('[data-message]')) part.hidden = part.dataset.message !== name;
};

const STALE = ['needs_login', 'form_expired', 'needs_code', 'no_passkey'];

/** The message for a refusal of the server; for one of the browser none that a person could use. */
function complain(of, { message }) {
  const name = STALE.includes(message) ? 'stale' : message;
  const known = [...said(of).querySelectorAll('[data-message]')].some((part) => part.dataset.message === name);
  show(of, known ? name : 'failed');
}

/** Says that it cannot be done here; where there is another way, only that remains. */
function instead(of) {
  of.hidden = said(of).querySelector('[data-message="unsupported"]') === null;
  show(of, 'unsupported');
}

/** Asks the device when the form is sent, and sends the form with its answer. */
function ask(of, field, answer) {
  if (!of) return;
  // The button may stand elsewhere on the page.
  const button = [...of.elements].find((element) => element.matches('[data-passkey-button]'));
  if (!possible) return instead(of);
  button.disabled = false;
  of.addEventListener('submit', async (event) => {
    if (of.elements[field].value) return;
    event.preventDefault();
    show(of, undefined);
    button.disabled = true;
    try {
      of.elements[field].value = JSON.stringify(await answer());
      of.submit();
    } catch (error) {
      complain(of, error);
      button.disabled = false;
      button.focus();
    }
  });
}

/** Before a challenge is too old (five minutes) the next one takes its place. */
const REFRESH = 4 * 60 * 1000;

/** What waits for a name to be picked; only one thing may wait at once. */
let waiting;

/**
 * Passkeys among the names that the browser offers for the field. Silent: whoever sees nothing of it types or presses. Not after
 * a mistake: then people choose themselves.
 */
async function autofill(of) {
  if (!of || !possible || document.getElementById('problem')) return;
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  for (let again = true; again; ) {
    const round = new AbortController();
    waiting = round;
    again = false;
    const late = setTimeout(() => {
      again = true;
      round.abort();
    }, REFRESH);
    try {
      const how = { mediation: 'conditional', signal: round.signal };
      of.elements.assertion.value = JSON.stringify(await request(await options(of), how));
      of.submit();
    } catch {
      // Another way was taken, or nothing came of it.
    }
    clearTimeout(late);
  }
}

const login = form('login');
ask(login, 'assertion', async () => {
  waiting?.abort();
  return request(await options(login));
});
autofill(login).catch(() => {});

/** Those of these fields that a form has. */
const values = ({ elements }, names) =>
  Object.fromEntries(names.filter((name) => elements.namedItem(name)).map((name) => [name, elements.namedItem(name).value]));

const account = form('account');
/** For this password by this link alone. */
const ofLink = () => values(account, ['link', 'new_password']);
ask(account, 'assertion', async () => request(await options(account, account.dataset.options, ofLink())));

const approval = form('approval');
ask(approval, 'assertion', () => request(JSON.parse(approval.dataset.given)));

const enrolment = form('enrolment');
const device = enrolment?.elements.namedItem('name');
if (device && !device.value) device.value = navigator.userAgentData?.platform ?? '';
/** A passkey that the person has, asked for this act alone. */
const prove = async (of, fields) => request(await options(of, of.dataset.prove, fields));

/** What the person proved themselves for; kept while the device fails, so that they do it once. */
let creation;
async function createHere() {
  return options(enrolment, enrolment.dataset.options, await enrolling());
}
/** A code, a passkey, or the login alone, as the page has it. */
async function enrolling() {
  const { code } = enrolment.elements;
  if (code) return { code: code.value };
  return enrolment.dataset.prove ? { assertion: JSON.stringify(await prove(enrolment)) } : {};
}
ask(enrolment, 'credential', async () => create((creation ??= await createHere())));

for (const removal of forms('removal')) {
  ask(removal, 'assertion', () => prove(removal, { passkey: removal.elements.passkey.value }));
}

/** Of a form that takes a stop or a pause back: which one. */
const undo = form('undo');
ask(undo, 'assertion', () => prove(undo, values(undo, ['stop', 'agent'])));

/** Of a form of the settings: what is chosen there. */
for (const setting of forms('setting')) {
  ask(setting, 'assertion', () => prove(setting, values(setting, ['setting', 'email', 'new_password', 'user_code'])));
}

/** The console opens for this browser alone. */
const opening = form('console');
ask(opening, 'assertion', () => prove(opening, { console: 'open' }));

for (const linking of forms('linking')) {
  ask(linking, 'assertion', () => prove(linking, values(linking, ['upstream'])));
}
