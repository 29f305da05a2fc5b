// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

/** The longest that a client of `Deno.serve` goes unwatched, in milliseconds. */
const UNWATCHED_TIME = 100;

/** Those that wait to watch their client. */
const waiting = new Set<ClientWatch>();

/** Aborted when they are to begin, all at once. */
let timeout: AbortSignal | null = null;

/** Watches whether the client of a request leaves before it is answered. */
export class ClientWatch {
  readonly #request: Request;
  readonly #onLeave: () => void;
  #signal: AbortSignal | null = null;

  /** `onLeave` is called when the client has left. */
  constructor(request: Request, onLeave: () => void) {
    this.#request = request;
    this.#onLeave = onLeave;
  }

  /** Begins at once. */
  start(): void {
    const { signal } = this.#request;
    if (signal.aborted) return this.#onLeave();
    signal.addEventListener("abort", this.#onLeave);
    this.#signal = signal;
  }

  /**
   * Begins soon: for Deno, where asking for the signal costs as much as a short
   * request.
   */
  startLater(): void {
    waiting.add(this);
    if (timeout !== null) return;
    // One for all, which is never cleared: a timer that is set and cleared for
    // each request takes longer than a short one.
    timeout = AbortSignal.timeout(UNWATCHED_TIME);
    timeout.onabort = () => {
      timeout = null;
      for (const watch of waiting) watch.start();
      waiting.clear();
    };
  }

  /**
   * Ends: Deno aborts the signals of answered requests too, and other signals
   * outlive their requests.
   */
  stop(): void {
    waiting.delete(this);
    this.#signal?.removeEventListener("abort", this.#onLeave);
  }
}
