// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

import { concat } from "./_concat.ts";
import { isPromise } from "./_result.ts";

const EMPTY = new Uint8Array(0);

/** The most bytes of a block for which allocation counts, and not the copy. */
const SMALL_SIZE = 8_192;

/** Sends a block with `write()`: `false` if there was none, or no more. */
type SendNext = () => boolean | Promise<boolean>;

/** `Promise.withResolvers()`, which Node has from 22 on. */
function withResolvers(): PromiseWithResolvers<void> {
  let resolve!: () => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<void>((...settle) => [resolve, reject] = settle);
  return { promise, resolve, reject };
}

/**
 * The body of a `Response`: whole, or a stream that is given a block when the
 * client has taken the one before.
 */
export class ResponseBody {
  /** Whether what is written stays as it is, so that it need not be copied. */
  isOwned = false;

  readonly #onCancel: () => void | Promise<void>;
  readonly #sharesMemory: boolean;
  /** What small blocks are copied into, one after the other. */
  #memory = EMPTY;
  #used = 0;
  /** What was written and not given to a stream. */
  #blocks: Uint8Array[] = [];
  /** Whether what is written has to wait for the end. */
  #isHeld = false;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #isCanceled = false;
  /** Whether the client has asked for a block and not been given one. */
  #isWanted = false;
  /** Settles when the client asks for more than it was given. */
  #demand: PromiseWithResolvers<void> | null = null;
  #sendNext: SendNext | null = null;
  /** Whether it has been called and has not sent its block, or has no more. */
  #isSending = false;
  /** Settles when `#sendNext` has sent its last block. */
  #sent: PromiseWithResolvers<void> | null = null;

  /**
   * `onCancel` is called when the client has gone. Copies may share memory for a
   * platform that does not transfer it, which is faster.
   */
  constructor(
    onCancel: () => void | Promise<void>,
    options: { sharesMemory: boolean },
  ) {
    this.#onCancel = onCancel;
    this.#sharesMemory = options.sharesMemory;
  }

  /** Whether there is a stream. */
  get isStream(): boolean {
    return this.#controller !== null;
  }

  /** Has what is written from here on wait until the stream is closed. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Gives bytes to the client, or keeps them as long as there is no stream. */
  write(block: Uint8Array): void {
    if (this.#controller === null) {
      this.#blocks.push(block);
    } else if (this.#isHeld) {
      this.#blocks.push(this.isOwned ? block : this.#copy(block));
    } else {
      this.#isWanted = false;
      // Before enqueue(), in which a client that waits may already ask for more.
      if (this.#sendNext === null) this.#demand ??= withResolvers();
      // Copied, unless nobody else has it: `Deno.serve` asks for the next block
      // while it still keeps this one.
      this.#controller.enqueue(this.isOwned ? block : this.#copy(block));
    }
  }

  #copy(block: Uint8Array): Uint8Array {
    const { length } = block;
    // Whoever takes a block may transfer it, so none that waits shares memory.
    const isShared = this.#sharesMemory && length <= SMALL_SIZE &&
      this.#controller?.desiredSize === 0;
    if (!isShared) return new Uint8Array(block);
    if (this.#used + length > this.#memory.length) {
      // As large as the body seems to become.
      const size = Math.max(4 * length, 2 * this.#memory.length);
      this.#memory = new Uint8Array(Math.min(size, 8 * SMALL_SIZE));
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += length;
    this.#memory.set(block, start);
    return this.#memory.subarray(start, this.#used);
  }

  /** A promise that the client asks for more, if it was given something. */
  get demand(): Promise<void> | undefined {
    return this.#demand?.promise;
  }

  /** Makes a stream of the body, which begins with what was written. */
  open(): ReadableStream<Uint8Array> {
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: () => {
        this.#isCanceled = true;
        return this.#onCancel();
      },
    }, { highWaterMark: 0 });
    for (const block of this.#blocks.splice(0)) this.write(block);
    return stream;
  }

  /** Sends the blocks of `sendNext`, each when the client asks for it. */
  sendEach(sendNext: SendNext): Promise<void> {
    this.#sendNext = sendNext;
    this.#sent = withResolvers();
    this.#demand?.resolve();
    this.#demand = null;
    this.#send(sendNext);
    return this.#sent.promise;
  }

  #pull(): void | Promise<void> {
    this.#isWanted = true;
    if (this.#sendNext === null) {
      this.#demand?.resolve();
      this.#demand = null;
    } else if (!this.#isSending) {
      return this.#send(this.#sendNext);
    }
  }

  /** Sends what is wanted. A stream that is given nothing does not ask again. */
  #send(sendNext: SendNext): void | Promise<void> {
    while (this.#isWanted) {
      this.#isSending = true;
      let isSent;
      try {
        isSent = sendNext();
      } catch (error) {
        return this.#sent?.reject(error);
      }
      if (isPromise(isSent)) return isSent.then(this.#goOn, this.#sent?.reject);
      if (!isSent) return this.#sent?.resolve();
      this.#isSending = false;
    }
  }

  #goOn = (isSent: boolean): void | Promise<void> => {
    if (!isSent) return this.#sent?.resolve();
    this.#isSending = false;
    return this.#send(this.#sendNext as SendNext);
  };

  /** All that was written, if there is no stream. */
  toBytes(): Uint8Array {
    return concat(this.#blocks);
  }

  /** Ends the stream, unless its client has. */
  close(): void {
    if (!this.#isCanceled) {
      for (const block of this.#blocks) this.#controller?.enqueue(block);
      this.#controller?.close();
    }
    this.#demand?.resolve();
  }

  /** Cuts the stream off, so that the client can tell. */
  abort(error: unknown): void {
    this.#controller?.error(error);
  }

  /** Ends the wait for a client that has gone. */
  lose(reason: unknown): void {
    for (const wait of [this.#demand, this.#sent]) {
      // Perhaps nobody waits for it.
      wait?.promise.catch(() => {});
      wait?.reject(reason);
    }
  }
}
