/** Time as the kit sees it: an argument, so that tests move it. */

export interface Clock {
  /** Seconds since 1970, whole. */
  now(): number;
  sleep(seconds: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Math.floor(Date.now() / 1000),
  sleep: (seconds, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, seconds * 1000);
      signal?.addEventListener('abort', end, { once: true });
    }),
};

/** Seconds of an RFC 3339 time; `undefined` for anything else. */
export function secondsOf(time: unknown): number | undefined {
  if (typeof time !== 'string' || !/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(time)) {
    return undefined;
  }
  const milliseconds = Date.parse(time);
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000;
}
