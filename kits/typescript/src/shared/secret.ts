/** A text that is not printed: not by `console.log`, not by `JSON.stringify`, not by a template. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  expose(): string {
    return this.#text;
  }

  toString(): string {
    return 'Secret';
  }

  toJSON(): string {
    return 'Secret';
  }
}

/** `client_secret_basic` (RFC 6749 section 2.3.1). */
export function basic(clientId: string, secret: Secret): string {
  const encode = (text: string) => new URLSearchParams([['', text]]).toString().slice(1);
  return `Basic ${Buffer.from(`${encode(clientId)}:${encode(secret.expose())}`).toString('base64')}`;
}
