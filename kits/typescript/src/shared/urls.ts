/** URLs: which may be called, and when two of them name one endpoint (RFC 9449 section 4.3 item 9, RFC 3986 section 6.2). */

const MAX_HTU_BYTES = 2048;

/** https, or http on loopback; no user information, query or fragment. */
export function isSafeUrl(text: string): boolean {
  const url = parse(text);
  if (url === undefined || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    return false;
  }
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
}

/** The normalised text of a request's URL without query and fragment; `undefined` for what no proof can name. */
export function htu(text: string): string | undefined {
  if (text.length > MAX_HTU_BYTES || !/^https?:\/\/[^/]/i.test(text) || !/^[!#-;=?-[\]_a-z~]+$/.test(text)) {
    return undefined;
  }
  const url = parse(text);
  if (url === undefined || url.username !== '' || url.password !== '') {
    return undefined;
  }
  const path = normalisedPath(url.pathname);
  return path === undefined ? undefined : url.origin + path;
}

/** `/.well-known/NAME` between host and path (RFC 8414 section 3.1, 9728 section 3.1). */
export function wellKnown(name: string, identifier: string): string | undefined {
  const url = parse(identifier);
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return undefined;
  }
  return `${url.origin}/.well-known/${name}${url.pathname.replace(/\/+$/, '')}${url.search}`;
}

export function originOf(text: string): string | undefined {
  return parse(text)?.origin;
}

function parse(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** Decodes unreserved characters, writes other escapes in upper case; `undefined` for a malformed escape. */
function normalisedPath(path: string): string | undefined {
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) {
    return undefined;
  }
  return path.replace(/%([0-9A-Fa-f]{2})/g, (escaped, digits: string) => {
    const letter = String.fromCharCode(Number.parseInt(digits, 16));
    return /[A-Za-z0-9\-._~]/.test(letter) ? letter : escaped.toUpperCase();
  });
}
