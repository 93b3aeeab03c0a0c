// A person at a browser without scripts: follows redirects, keeps cookies, logs in where that is asked, fills in the forms.

import { formWith } from './forms.mjs';

const MOST_PAGES = 20;

export class Browser {
  #cookies = new Map();

  /** Logs in and approves wherever that is asked; answers the URL of the redirect that leaves the server. */
  async approve(url, person) {
    return this.#walk(url, person, 'consent-approve');
  }

  /** Logs in, and says no. */
  async deny(url, person) {
    return this.#walk(url, person, 'consent-deny');
  }

  /** Signs out, and says yes if the page asks; answers the URL of the redirect that leaves the server. */
  async signOut(url) {
    return this.#walk(url, {}, 'logout-submit');
  }

  /** The page at `url`, logged in: `{ url, status, html }`. */
  async open(url, person) {
    const page = await this.#settle({ url: new URL(url) }, person);
    // A login may lead to another page than the one that was wanted.
    return page.loggedIn ? this.#settle({ url: new URL(url) }, person) : page;
  }

  /** The page at `url` as it is for whoever has these cookies: perhaps the login. */
  page(url) {
    return this.#settle({ url: new URL(url) });
  }

  /** Presses a button of the page, after filling in `typed`; answers the page that follows. */
  async press(page, button, typed, person) {
    const form = formWith(page.html, button);
    if (form === undefined) throw new Error(`no \`${button}\` at ${page.url.pathname} (${page.status}): ${textOf(page.html)}`);
    for (const [name, value] of Object.entries(typed)) form.fields.set(name, value);
    return this.#settle(requestOf(form, page.url), person);
  }

  /** A form that is on no page, as a script of ours would send it. */
  async post(url, fields, person) {
    return this.#settle({ url: new URL(url), method: 'POST', body: new URLSearchParams(fields) }, person);
  }

  async #settle(first, person) {
    let request = first;
    let loggedIn = false;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = await this.#send(request);
      const location = answer.headers.get('location');
      if (location !== null) {
        request = { url: new URL(location, request.url) };
        continue;
      }
      const html = await answer.text();
      if (loggedIn || person === undefined || formWith(html, 'login-submit') === undefined) {
        return { url: request.url, status: answer.status, html, loggedIn };
      }
      request = submitted(request.url, answer, html, person);
      loggedIn = true;
    }
    throw new Error(`no page after ${MOST_PAGES} redirects, the last was ${request.url}`);
  }

  async #walk(url, person, decision) {
    const home = new URL(url).origin;
    let request = { url: new URL(url) };
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = await this.#send(request);
      const location = answer.headers.get('location');
      if (location !== null) {
        const next = new URL(location, request.url);
        if (next.origin !== home) return next;
        request = { url: next };
      } else {
        request = submitted(request.url, answer, await answer.text(), person, decision);
      }
    }
    throw new Error(`no answer after ${MOST_PAGES} pages, the last was ${request.url}`);
  }

  async #send({ url, method = 'GET', body }) {
    const headers = { accept: 'text/html' };
    const cookie = this.#cookiesFor(url);
    if (cookie !== '') headers.cookie = cookie;
    if (body !== undefined) headers.origin = url.origin;
    const answer = await fetch(url, { method, body, headers, redirect: 'manual' });
    for (const line of answer.headers.getSetCookie()) this.#keep(line);
    return answer;
  }

  #keep(line) {
    const [pair, ...attributes] = line.split(';').map((part) => part.trim());
    const cut = pair.indexOf('=');
    const [name, value] = [pair.slice(0, cut), pair.slice(cut + 1)];
    const said = (wanted) => attributes.map((a) => a.split('=')).find(([n]) => n.toLowerCase() === wanted)?.[1];
    const expired = Number(said('max-age') ?? 1) <= 0 || Date.parse(said('expires') ?? '') < Date.now();
    if (expired) this.#cookies.delete(name);
    else this.#cookies.set(name, { value, path: said('path') ?? '/' });
  }

  #cookiesFor(url) {
    const sent = [...this.#cookies].filter(([, { path }]) => within(url.pathname, path));
    return sent.map(([name, { value }]) => `${name}=${value}`).join('; ');
  }
}

/** RFC 6265 section 5.1.4. */
function within(pathname, path) {
  return pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
}

function submitted(url, answer, html, person, decision) {
  const form = formWith(html, 'login-submit') ?? (decision && formWith(html, decision));
  if (form === undefined) {
    throw new Error(`no known form at ${url.pathname} (${answer.status}): ${textOf(html)}`);
  }
  for (const [name, value] of Object.entries(person)) {
    if (form.fields.has(name)) form.fields.set(name, value);
  }
  return requestOf(form, url);
}

function requestOf(form, url) {
  const action = new URL(form.action, url);
  if (form.method === 'POST') return { url: action, method: 'POST', body: form.fields };
  action.search = form.fields.toString();
  return { url: action };
}

/** What a person reads. */
export function textOf(html) {
  return html.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').slice(0, 400);
}
