// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

import { quote } from "./_escape.ts";
import { ConnectionLostError, RequestError } from "./_request_error.ts";
import type { InputStream } from "./types.ts";

/**
 * Where a {@linkcode WsgiInput} reads from; a `Request` is such a source.
 *
 * @example Usage
 * ```ts
 * import { WsgiInput, type WsgiInputSource } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const source: WsgiInputSource = new Request("http://localhost/", {
 *   method: "POST",
 *   body: "spam",
 * });
 *
 * assertEquals((await new WsgiInput(source).read()).length, 4);
 * ```
 */
export type WsgiInputSource =
  | ReadableStream<Uint8Array>
  | Uint8Array
  | BodySource
  | null;

/**
 * Something with a body, such as a `Request` or a `Response`.
 *
 * @example Usage
 * ```ts
 * import { type BodySource, WsgiInput } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const source: BodySource = { body: new Blob(["spam"]).stream() };
 *
 * assertEquals((await new WsgiInput(source).read()).length, 4);
 * ```
 */
export interface BodySource {
  /** The body, if there is one. */
  readonly body: ReadableStream<Uint8Array> | null;
  /** Whether the body has been read from. */
  readonly bodyUsed?: boolean;
  /** Reads the whole body. */
  arrayBuffer?(): Promise<ArrayBuffer>;
}

/**
 * Options for {@linkcode WsgiInput}.
 *
 * @example Usage
 * ```ts
 * import { WsgiInput, type WsgiInputOptions } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const options: WsgiInputOptions = { limit: 2 };
 * const input = new WsgiInput(new TextEncoder().encode("spam"), options);
 *
 * assertEquals(new TextDecoder().decode(await input.read()), "sp");
 * ```
 */
export interface WsgiInputOptions {
  /**
   * The number of bytes that the body has. No more are read from the source,
   * and fewer are an error.
   *
   * @default {Infinity}
   */
  limit?: number;
  /**
   * The most bytes that the body may have. More are an error.
   *
   * @default {Infinity}
   */
  maxSize?: number;
  /**
   * Called if the body breaks off, before the reader is told. If it is given,
   * whatever the source fails with becomes a {@linkcode ConnectionLostError}.
   */
  onConnectionLost?: (error: ConnectionLostError) => void;
}

const EMPTY = new Uint8Array(0);

/** The number of bytes from which on a body, or a block of it, is large. */
const LARGE_SIZE = 1_048_576;

/** The number of bytes to read of a large body at a time. */
const CHUNK_SIZE = 65_536;

/** Whether a value is bytes. */
export function isBytes(value: unknown): value is Uint8Array<ArrayBuffer> {
  return value instanceof Uint8Array;
}

/**
 * Marks a promise as handled: a read that fails, which a client can bring about,
 * must not end the process if nobody waits for it.
 */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

function checkSize(name: string, size: number): void {
  if (size !== Infinity && !(Number.isInteger(size) && size >= 0)) {
    throw new RangeError(
      `Cannot read the body as "${name}" must be an integer >= 0: received ${
        quote(size)
      }`,
    );
  }
}

/**
 * The body of a request: the value of `wsgi.input`.
 *
 * Each read must have ended before the next one begins. The source is first
 * touched when bytes are asked for. The blocks read can share one `buffer`.
 *
 * @see {@link https://peps.python.org/pep-3333/#input-and-error-streams | PEP 3333: Input and Error Streams}
 *
 * @example Usage
 * ```ts
 * import { WsgiInput } from "@wsgi/wsgiref/util";
 * import { assertEquals } from "@std/assert";
 *
 * const input = new WsgiInput(new TextEncoder().encode("name=value\nrest"));
 * const decoder = new TextDecoder();
 * assertEquals(decoder.decode(await input.readline()), "name=value\n");
 * assertEquals(decoder.decode(await input.read()), "rest");
 * assertEquals(decoder.decode(await input.read()), "");
 * ```
 */
export class WsgiInput implements InputStream {
  readonly #source: Exclude<WsgiInputSource, Uint8Array>;
  /** Where the body ends: `Infinity` until that is known. */
  #limit: number;
  /** The number of bytes of the body that the source has given. */
  #received = 0;
  /** The last bytes that the source has given, unread from `#offset` on. */
  #chunk: Uint8Array<ArrayBuffer> = EMPTY;
  #offset = 0;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #byobReader: ReadableStreamBYOBReader | undefined;
  /** What the chunks of a large body are read into, one after the other. */
  #buffer: ArrayBuffer | undefined;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #isReading = false;
  readonly #maxSize: number;
  readonly #onConnectionLost:
    | ((error: ConnectionLostError) => void)
    | undefined;
  /** What the source failed with, for every later read too. */
  #failure: { error: unknown } | null = null;
  /** Whether the source has nothing more to give. */
  #isDone = false;
  /** Whether the rest was given up. */
  #isCanceled = false;
  #isLarge = false;

  /**
   * Constructs a new instance.
   *
   * @param source The stream or the bytes to read, a `Request` or `Response`
   * whose body to read, or `null` for an empty body.
   * @param options Where the body ends.
   * @throws {TypeError} If `source` is nothing of that kind.
   * @throws {RangeError} If `limit` or `maxSize` is negative or not an integer.
   */
  constructor(source: WsgiInputSource, options: WsgiInputOptions = {}) {
    const { limit = Infinity, maxSize = Infinity, onConnectionLost } = options;
    checkSize("limit", limit);
    checkSize("maxSize", maxSize);
    this.#limit = limit;
    this.#maxSize = maxSize;
    this.#onConnectionLost = onConnectionLost;
    if (isBytes(source)) {
      this.#source = null;
      this.#take(source);
    } else if (
      // Deno loads its streams when they are first named: last, as that is slow.
      source === null || (typeof source === "object" && "body" in source) ||
      source instanceof ReadableStream
    ) {
      this.#source = source;
    } else {
      throw new TypeError(
        `Cannot read the body as its source must be a stream, bytes, an object with a "body", or null: received ${
          quote(source)
        }`,
      );
    }
  }

  /**
   * Reads `size` bytes, fewer only at the end of the body.
   *
   * @param size The number of bytes. Without it, all that is left.
   * @returns The bytes.
   * @throws {RangeError} If `size` is negative or not an integer.
   * @throws {TypeError} If another read has not ended, or `readable` has been
   * taken.
   * @throws {ConnectionLostError} If the client has gone before the body ended.
   */
  read(size: number = Infinity): Promise<Uint8Array<ArrayBuffer>> {
    return handled(this.#readBlock(size, false));
  }

  /**
   * Reads one line with its newline, which only the last line may lack.
   *
   * @param size The most bytes to read. Without it, the whole line.
   * @returns The line.
   * @throws {RangeError} If `size` is negative or not an integer.
   * @throws {TypeError} If another read has not ended, or `readable` has been
   * taken.
   * @throws {ConnectionLostError} If the client has gone before the body ended.
   */
  readline(size: number = Infinity): Promise<Uint8Array<ArrayBuffer>> {
    return handled(this.#readBlock(size, true));
  }

  /**
   * Reads the lines that are left.
   *
   * @param hint The number of bytes after which no further line is begun.
   * Without it, or with 0, all lines are read.
   * @returns The lines.
   * @throws {RangeError} If `hint` is negative or not an integer.
   * @throws {TypeError} If another read has not ended, or `readable` has been
   * taken.
   * @throws {ConnectionLostError} If the client has gone before the body ended.
   */
  async readlines(hint: number = 0): Promise<Uint8Array<ArrayBuffer>[]> {
    checkSize("hint", hint);
    const lines: Uint8Array<ArrayBuffer>[] = [];
    let length = 0;
    for await (const line of this) {
      lines.push(line);
      length += line.length;
      if (hint > 0 && length >= hint) break;
    }
    return lines;
  }

  /**
   * Reads line by line.
   *
   * @returns An iterator of the lines that are left.
   *
   * @example Usage
   * ```ts
   * import { WsgiInput } from "@wsgi/wsgiref/util";
   * import { assertEquals } from "@std/assert";
   *
   * const lengths: number[] = [];
   * for await (const line of new WsgiInput(new Uint8Array([65, 10, 66]))) {
   *   lengths.push(line.length);
   * }
   * assertEquals(lengths, [2, 1]);
   * ```
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<
    Uint8Array<ArrayBuffer>,
    void
  > {
    let line = await this.readline();
    while (line.length > 0) {
      yield line;
      line = await this.readline();
    }
  }

  /**
   * What is left of the body, as a stream of bytes. Nothing else can be read
   * once it has been taken.
   *
   * @returns The stream: the source itself if it is one, nothing has been read
   * and no option is set.
   * @throws {TypeError} If a read has not ended.
   *
   * @example Usage
   * ```ts
   * import { WsgiInput } from "@wsgi/wsgiref/util";
   * import { assertEquals } from "@std/assert";
   *
   * const input = new WsgiInput(new TextEncoder().encode('{"a": 1}'));
   * assertEquals(await new Response(input.readable).json(), { a: 1 });
   * ```
   */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#checkIdle();
    return this.#readable ??= this.#toStream();
  }

  /**
   * Gives up the rest of the body. Whoever still reads it comes to its end.
   * This is for the server, not for the application.
   *
   * @param reason Why, for the source.
   * @returns A promise that settles when the source has been canceled.
   */
  async cancel(reason?: unknown): Promise<void> {
    if (this.#isDone) return;
    this.#isCanceled = true;
    const source = this.#byobReader ?? this.#reader ?? this.#getStream();
    if (source === null) return;
    // A stream that someone else reads is for them to cancel.
    const isForeign = source instanceof ReadableStream && source.locked;
    if (!isForeign) await source.cancel(reason);
  }

  /**
   * Reads and drops what is left of the body, until it is canceled. This is for
   * the server, not for the application.
   *
   * @returns A promise of the end.
   */
  async skip(): Promise<void> {
    try {
      while (!this.#isDone && !this.#isCanceled) {
        const result = await this.#readChunk();
        if (!result || result.done) this.#isDone = true;
        else this.#received += result.value.length;
      }
    } catch {
      // The client has gone, or somebody else reads.
    }
  }

  /** Has the source make its stream, for which it may be too late afterwards. */
  open(): void {
    if (!this.#isDone) this.#getStream();
  }

  /** The number of bytes that the source has given. */
  get received(): number {
    return this.#received;
  }

  /** Whether the source has been read to its end, or has failed. */
  get isDone(): boolean {
    return this.#isDone;
  }

  #getStream(): ReadableStream<Uint8Array> | null {
    const source = this.#source;
    return source instanceof ReadableStream ? source : source?.body ?? null;
  }

  #toStream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const isUntouched = this.#limit === Infinity &&
      this.#maxSize === Infinity && !this.#onConnectionLost &&
      !this.#reader && !this.#failure;
    const stream = isUntouched ? this.#getStream() : null;
    if (stream) return stream as ReadableStream<Uint8Array<ArrayBuffer>>;
    // Its chunks are the reader's, so no memory is used again from here on.
    this.#isLarge = true;
    return new ReadableStream({
      pull: async (controller) => {
        if (await this.#fill()) {
          controller.enqueue(
            this.#byobReader
              ? this.#chunk.slice(this.#offset)
              : this.#chunk.subarray(this.#offset),
          );
          this.#offset = this.#chunk.length;
        } else {
          controller.close();
        }
      },
      cancel: (reason) => this.cancel(reason),
    }, { highWaterMark: 0 });
  }

  #checkIdle(): void {
    if (this.#isReading) {
      throw new TypeError("Cannot read the body while it is being read");
    }
  }

  /** Makes sure that there are unread bytes: `false` at the end of the body. */
  async #fill(isAllWanted = false): Promise<boolean> {
    while (this.#offset === this.#chunk.length) {
      if (this.#received === this.#limit) return false;
      if (this.#failure) throw this.#failure.error;
      // What is thrown at once is no error of the source.
      const reading = isAllWanted && this.#readAll() || this.#readChunk();
      let result;
      try {
        result = await reading;
      } catch (cause) {
        if (this.#isCanceled) return false;
        throw this.#onConnectionLost
          ? this.#lose({ cause })
          : this.#fail(cause);
      }
      if (!result || result.done) {
        this.#isDone = true;
        if (this.#isCanceled) return false;
        if (this.#limit !== Infinity) {
          throw this.#lose();
        }
        this.#limit = this.#received;
      } else if (isBytes(result.value)) {
        this.#take(result.value);
      } else {
        throw new TypeError(
          `Cannot read the body as its stream must give bytes: received ${
            quote(result.value)
          }`,
        );
      }
    }
    return true;
  }

  #take(bytes: Uint8Array<ArrayBuffer>): void {
    const end = Math.min(this.#limit, this.#maxSize) - this.#received;
    this.#chunk = bytes.subarray(0, end);
    this.#offset = 0;
    this.#received += this.#chunk.length;
    if (bytes.length <= end || this.#limit <= this.#maxSize) return;
    // What is allowed can be read; whoever wants more is told.
    this.#fail(
      new RequestError(
        `Cannot read the request body as it is longer than ${this.#maxSize} bytes`,
        413,
      ),
    );
  }

  #lose(options?: ErrorOptions): ConnectionLostError {
    const place = this.#limit === Infinity
      ? "before its end"
      : `after ${this.#received} of ${this.#limit} bytes`;
    const error = this.#fail(
      new ConnectionLostError(
        `Cannot read the request body as it broke off ${place}`,
        options,
      ),
    );
    this.#onConnectionLost?.(error);
    return error;
  }

  /** Keeps an error for every later read. */
  #fail<T>(error: T): T {
    this.#failure = { error };
    return error;
  }

  /** Reads the whole body at once, if that can be: it saves time. */
  #readAll(): Promise<{ done: false; value: Uint8Array }> | undefined {
    const source = this.#source;
    if (
      source === null || !("arrayBuffer" in source) || source.bodyUsed ||
      this.#reader || this.#limit !== Infinity || this.#maxSize !== Infinity
    ) return;
    return source.arrayBuffer?.().then((buffer) => {
      this.#limit = buffer.byteLength;
      this.#isDone = true;
      return { done: false, value: new Uint8Array(buffer) };
    });
  }

  /** Reads a chunk, of a large body into memory that is used again. */
  #readChunk():
    | Promise<ReadableStreamReadResult<Uint8Array>>
    | undefined {
    this.#reader ??= this.#getStream()?.getReader();
    if (this.#received >= LARGE_SIZE && !this.#isLarge) this.#setLarge();
    if (!this.#byobReader) return this.#reader?.read();
    // The stream takes the buffer away, and with it the chunk.
    const buffer = this.#buffer ?? new ArrayBuffer(CHUNK_SIZE);
    this.#buffer = undefined;
    this.#chunk = EMPTY;
    this.#offset = 0;
    return this.#byobReader.read(new Uint8Array(buffer)).then((result) => {
      this.#buffer = result.value?.buffer;
      return result;
    });
  }

  /** Changes to a reader that fills a given buffer, if the stream has one. */
  #setLarge(): void {
    this.#isLarge = true;
    this.#reader?.releaseLock();
    const stream = this.#getStream();
    try {
      this.#byobReader = stream?.getReader({ mode: "byob" });
    } catch {
      this.#reader = stream?.getReader();
    }
  }

  async #readBlock(
    size: number,
    isLine: boolean,
  ): Promise<Uint8Array<ArrayBuffer>> {
    checkSize("size", size);
    this.#checkIdle();
    if (this.#readable) {
      throw new TypeError(
        'Cannot read the body as its "readable" has been taken',
      );
    }
    this.#isReading = true;
    const isAllWanted = size === Infinity && !isLine;
    try {
      let block = EMPTY;
      let length = 0;
      let isWhole = false;
      while (length < size && !isWhole && await this.#fill(isAllWanted)) {
        const end = this.#offset + size - length;
        let part = this.#chunk.subarray(this.#offset, end);
        const newline = isLine ? part.indexOf(10) : -1;
        if (newline >= 0) {
          part = part.subarray(0, newline + 1);
          isWhole = true;
        }
        this.#offset += part.length;
        if (length === 0 && !this.#byobReader) {
          block = part;
        } else {
          if (length + part.length > block.length) {
            // Doubling keeps the cost of many small chunks linear.
            const capacity = isLine || size > LARGE_SIZE
              ? Math.max(length + part.length, 2 * length)
              : size;
            const larger = new Uint8Array(Math.min(size, capacity));
            larger.set(block);
            block = larger;
          }
          block.set(part, length);
        }
        length += part.length;
      }
      // `EMPTY` is not for callers, who could transfer its buffer.
      return length > 0 ? block.subarray(0, length) : new Uint8Array(0);
    } finally {
      this.#isReading = false;
    }
  }
}
