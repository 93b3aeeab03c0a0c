/** What a decision, a question or a server can end in, when it does not end in a permit. Each says what to do next. */

/** As the answer of an API: status, registered code, and where the error names none, seconds for `Retry-After`. */
const ANSWERS = {
  denied: [403, 'access_denied', undefined],
  arguments_invalid: [400, 'invalid_request', undefined],
  ask_later: [429, 'temporarily_unavailable', undefined],
  still_waiting: [409, 'authorization_pending', 5],
  expired: [403, 'expired_token', undefined],
  cancelled: [403, 'access_denied', undefined],
  unavailable: [503, 'temporarily_unavailable', 1],
} as const;
/** So the server begins whatever it says of arguments; the place follows. */
const OF_ARGUMENTS = 'The arguments ';
/** And so, where they are outside the schema. */
const OUTSIDE_SCHEMA = 'The arguments are not those of this action:';

const DO_NOT_REPEAT = 'do not repeat this call';
const ASKS_ANEW = 'nothing was done, and a new call asks anew';
/** Of a question that was cancelled: who ended it says whether it may be asked again. */
const AFTER_CANCELLATION: Readonly<Record<string, string>> = {
  // A person stopped the agent, or wants no questions of the resource.
  stopped: DO_NOT_REPEAT,
  // A person declined the page.
  declined: DO_NOT_REPEAT,
  superseded: ASKS_ANEW,
};

/** Nothing was permitted. `advice` is one sentence for the caller's developer or model; `toResponse()` is the whole answer of an API. */
export abstract class NotPermitted extends Error {
  abstract readonly code: keyof typeof ANSWERS;
  abstract readonly advice: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }

  /** What happened and what to do next, for whoever reads one text alone, such as a model. */
  get sentence(): string {
    const said = this.#said;
    return `${said.slice(0, 1).toUpperCase()}${said.slice(1)}.`;
  }

  get #said(): string {
    return `${this.message.replace(/\.$/, '')}; ${this.advice}`;
  }

  get status(): number {
    return ANSWERS[this.code][0];
  }

  get headers(): Headers {
    const headers = new Headers({ 'cache-control': 'no-store', 'content-type': 'application/json' });
    const after = this.#after;
    if (after !== undefined) headers.set('retry-after', String(after));
    return headers;
  }

  get body(): string {
    const [, error] = ANSWERS[this.code];
    const after = this.#after;
    const told = { error, error_description: this.#said };
    return JSON.stringify(after === undefined ? told : { ...told, retry_after: after });
  }

  toResponse(): Response {
    return new Response(this.body, { status: this.status, headers: this.headers });
  }

  get #after(): number | undefined {
    return this instanceof AskLater ? this.retryAfter : ANSWERS[this.code][2];
  }
}

/** No: by the rules, or by a person. */
export class Denied extends NotPermitted {
  readonly code = 'denied';
  readonly advice = DO_NOT_REPEAT;

  constructor(
    /** `not_covered`, `used`, ... as the server says it; `person` where a person said no. */
    readonly reason: string,
    /** For people; may be empty. */
    readonly words: string = '',
  ) {
    super(words === '' ? `not permitted (${reason})` : words);
  }
}

/** The arguments are outside the schema, or cannot be judged or shown to a person; nobody was asked, and other ones may be permitted. */
export class ArgumentsInvalid extends NotPermitted {
  readonly code = 'arguments_invalid';
  readonly advice = 'correct them and call again';
  /** What does not fit, by a JSON pointer in backticks, and why; empty where no place is named. */
  readonly where: string;

  /** `words`: as the server says it. `of`: whose schema it is. */
  constructor(words = '', of: 'action' | 'tool' = 'action') {
    const message = ofArguments(words.trim().replace(/\.$/, ''), of);
    super(message);
    const place = message.indexOf('`/');
    this.where = place < 0 ? '' : message.slice(place);
  }

  /** Of arguments that are not sent: in the words that the server has for them. */
  static notJudged(pointer: string, why: string): ArgumentsInvalid {
    return new ArgumentsInvalid(`${OF_ARGUMENTS}cannot be judged: \`${pointer}\`: ${why}`);
  }
}

function ofArguments(said: string, of: 'action' | 'tool'): string {
  if (said.startsWith(OUTSIDE_SCHEMA)) {
    return `the arguments do not fit the ${of}'s schema:${said.slice(OUTSIDE_SCHEMA.length)}`;
  }
  if (said.startsWith(OF_ARGUMENTS)) return said;
  return said === '' ? 'the arguments were refused' : `the arguments were refused: ${said}`;
}

/** Nobody was asked: people are asked too often, or said no just before. */
export class AskLater extends NotPermitted {
  readonly code = 'ask_later';

  constructor(
    /** Seconds, as `Retry-After` said. */
    readonly retryAfter: number,
    message = 'nobody was asked now',
  ) {
    super(message);
  }

  get advice(): string {
    return `the same may be asked again after ${this.retryAfter} s`;
  }
}

/** A person was asked and has not decided: the same call, made again, finds the answer. */
export class StillWaiting extends NotPermitted {
  readonly code = 'still_waiting';
  readonly advice = 'call again with the same arguments: the answer is found then';

  constructor(
    readonly task: string,
    /** Where the person can decide, if the server names it. */
    readonly review: string | undefined,
  ) {
    super('a person was asked and has not decided yet');
  }
}

/** Nobody decided in time, or what was permitted did not begin in time: this means no. */
export class Expired extends NotPermitted {
  readonly code = 'expired';
  readonly advice = ASKS_ANEW;
}

/** The question was taken back: by this call's end, by a newer question, or because the agent was stopped. */
export class Cancelled extends NotPermitted {
  readonly code = 'cancelled';
  readonly advice: string;

  constructor(readonly reason: string) {
    super(`the question was cancelled (${reason})`);
    const known = Object.hasOwn(AFTER_CANCELLATION, reason) ? AFTER_CANCELLATION[reason] : undefined;
    this.advice = known ?? 'nothing was done, so ask again only if it is still wanted';
  }
}

/** No answer that can be relied upon, so nothing is permitted. `cause` is for your log. */
export class Unavailable extends NotPermitted {
  readonly code = 'unavailable';
  readonly advice = 'nothing was done, so try again later';
}

/** A call or a configuration of the kit that is wrong; nothing was sent. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
