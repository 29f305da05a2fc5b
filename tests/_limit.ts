// Copyright 2026 the wsgiref authors. MIT license.

/** Waits that end, and say what they waited for. */

/** The milliseconds that a wait may take if nothing else is said. */
export const LIMIT = 5_000;

/** Waits for a promise, but not for ever. */
export async function within<T>(
  what: string,
  promise: Promise<T>,
  limit: number = LIMIT,
): Promise<T> {
  let timer;
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        timer = setTimeout(
          () => reject(new Error(`${what} within ${limit} ms`)),
          limit,
        );
      }),
    ]);
  } finally {
    clearTimeout(timer);
    // Nobody waits for it any more.
    promise.catch(() => {});
  }
}

/** Waits until something holds. */
export async function until(
  what: string,
  holds: () => boolean,
  limit: number = LIMIT,
): Promise<void> {
  for (const end = Date.now() + limit; !holds(); await pause(1)) {
    if (Date.now() > end) throw new Error(`${what} within ${limit} ms`);
  }
}

/** Waits for some milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
