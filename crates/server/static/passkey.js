// Passkeys (WebAuthn level 3): log in, approve, add one. The answer travels in a field of an ordinary form.

const form = (name) => document.querySelector(`form[data-passkey="${name}"]`);

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

const request = async (json) =>
  asJson(await navigator.credentials.get({ publicKey: requestOptions(json.publicKey ?? json) }));

const create = async (json) =>
  asJson(await navigator.credentials.create({ publicKey: creationOptions(json.publicKey ?? json) }));

/* Forms */

/** Options that the server makes only when they are wanted. */
async function options(of) {
  const csrf = of.querySelector('[name="csrf"]').value;
  const answer = await fetch(of.dataset.options, {
    method: 'POST',
    body: new URLSearchParams({ csrf }),
    headers: { accept: 'application/json' },
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

const show = (of, name) => {
  for (const part of of.querySelectorAll('[data-message]')) part.hidden = part.dataset.message !== name;
};

/** Says that it cannot be done here; where there is another way, only that remains. */
function instead(of) {
  of.hidden = of.querySelector('[data-message="unsupported"]') === null;
  show(of, 'unsupported');
}

/** Asks the device when the form is sent, and sends the form with its answer. */
function ask(of, field, answer) {
  if (!of) return;
  const button = of.querySelector('[data-passkey-button]');
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
    } catch {
      // No reason: the browser tells none that a person could use.
      show(of, 'failed');
      button.disabled = false;
      button.focus();
    }
  });
}

const login = form('login');
ask(login, 'assertion', async () => request(await options(login)));

const approval = form('approval');
ask(approval, 'assertion', () => request(JSON.parse(approval.dataset.given)));

const enrolment = form('enrolment');
const device = enrolment?.elements.namedItem('name');
if (device && !device.value) device.value = navigator.userAgentData?.platform ?? '';
ask(enrolment, 'credential', async () => create(await options(enrolment)));
