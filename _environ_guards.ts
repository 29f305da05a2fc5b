// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

import type { Checks } from "./_conformance.ts";
import type { Exchange } from "./_exchange.ts";
import { hasMethods, isIterable, isObject } from "./_object.ts";
import type {
  ErrorStream,
  FileWrapperFactory,
  InputStream,
  WsgiEnviron,
} from "./types.ts";

/** How an application must use what its environ has, and what that must do. */
export const STREAM_CHECKS = {
  // wsgi.input
  "input-arguments": {
    clause: ["P065", "P077"],
    rule: "The methods of wsgi.input must be called with one argument or none",
    remedy: "pass the size only",
  },
  "input-size": {
    clause: ["P065"],
    rule: "The size to read of wsgi.input must be a whole number of bytes",
    remedy: "leave it out to read all",
  },
  "input-past-end": {
    clause: ["P068"],
    severity: "warning",
    rule:
      "wsgi.input should not be read beyond CONTENT_LENGTH unless it ends by itself",
    remedy: "ask for no more than what is left",
  },
  "input-closed": {
    clause: ["P076", "P075"],
    rule: "wsgi.input must not be closed",
    remedy: "leave that to the server",
  },
  "middleware-input": {
    clause: ["P055", "P008"],
    side: "middleware",
    rule:
      "Middleware must hand wsgi.input on with the body that CONTENT_LENGTH tells of",
    remedy: "put back what was read, as new WsgiInput(body)",
  },
  "input-result": {
    clause: ["P055", "P138", "P002"],
    side: "server",
    rule:
      "wsgi.input must give Uint8Arrays, and lines that end with their first newline",
    remedy: "use a WsgiInput",
  },
  "input-excess": {
    clause: ["P065", "P071"],
    side: "server",
    rule: "wsgi.input must not give more bytes than asked for",
    remedy: "keep the rest for the next read",
  },
  "input-after-end": {
    clause: ["P070", "P067"],
    side: "server",
    rule: "wsgi.input must give no bytes after its end, which a short read is",
    remedy: "wait until there are enough",
  },

  // wsgi.errors
  "errors-arguments": {
    clause: ["P065", "P077"],
    rule:
      "write() and writelines() of wsgi.errors must be called with one argument, flush() with none",
    remedy: "join the pieces of a message",
  },
  "errors-text": {
    clause: ["P056"],
    rule: "wsgi.errors must be given strings, writelines() a list of them",
    remedy: "convert it with String()",
  },
  "errors-line-ending": {
    clause: ["P057"],
    severity: "warning",
    rule: 'Lines written to wsgi.errors should end in "\\n"',
    remedy: 'leave out "\\r"',
  },
  "errors-closed": {
    clause: ["P076", "P075"],
    rule: "wsgi.errors must not be closed",
    remedy: "leave that to the server",
  },
  "errors-throws": {
    clause: ["P058"],
    side: "server",
    severity: "warning",
    rule: "wsgi.errors should take any text without throwing",
    remedy: "replace what cannot be written",
  },

  // wsgi.file_wrapper
  "file-wrapper-arguments": {
    clause: ["P183", "P077"],
    rule:
      "wsgi.file_wrapper must be called with a file and an optional block size",
    remedy: "pass no more than these two",
  },
  "file-wrapper-file": {
    clause: ["P186"],
    rule: "wsgi.file_wrapper must be given something that can be read",
    remedy: "pass an open file, a stream, a Blob or an object with read()",
  },
  "file-wrapper-result": {
    clause: ["P184", "P188"],
    side: "server",
    rule:
      "wsgi.file_wrapper must return an iterable, with close() if the file has it",
    remedy: "return a FileWrapper",
  },
} satisfies Checks;

/** Puts guards in the place of what the application uses. */
export function guardEnviron(exchange: Exchange, environ: WsgiEnviron): void {
  const input = environ["wsgi.input"];
  const errors = environ["wsgi.errors"];
  const wrapper = environ["wsgi.file_wrapper"];
  if (isObject(input)) {
    const length = environ["wsgi.input_terminated"]
      ? Infinity
      : Number(environ.CONTENT_LENGTH ?? 0);
    InputGuard.checkHandedOn(exchange, environ);
    environ["wsgi.input"] = new InputGuard(exchange, input, length);
  }
  if (isObject(errors)) {
    environ["wsgi.errors"] = new ErrorsGuard(exchange, errors);
  }
  if (typeof wrapper === "function") {
    environ["wsgi.file_wrapper"] = guardFileWrapper(exchange, wrapper);
  }
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Guards `wsgi.input`, which has no more methods than these. */
class InputGuard implements InputStream {
  readonly #exchange: Exchange;
  readonly #input: InputStream;
  /** The bytes that are left of CONTENT_LENGTH. */
  #left: number;
  /** The bytes that were read. */
  #size = 0;
  #readable: ReadableStream<Bytes> | undefined;
  #isHandedOn = false;
  #isAtEnd = false;

  constructor(exchange: Exchange, input: InputStream, length: number) {
    this.#exchange = exchange;
    this.#input = input;
    this.#left = length;
  }

  /** Checks that middleware hands a body on, not what it has left of it. */
  static checkHandedOn(inner: Exchange, environ: WsgiEnviron): void {
    const input = environ["wsgi.input"];
    if (!(input instanceof InputGuard) || input.#exchange !== inner.outer) {
      return;
    }
    // What an application has read that was called before is its own business.
    if (input.#isHandedOn) return;
    input.#isHandedOn = true;
    const length = Number(environ.CONTENT_LENGTH);
    if (length > 0 && (input.#size >= length || input.#readable?.locked)) {
      input.#exchange.report("middleware-input", `${length} bytes read`);
    }
  }

  async read(size?: number, ...rest: unknown[]): Promise<Bytes> {
    this.#checkArguments(size, rest);
    if (size !== undefined && size > this.#left) {
      this.#exchange.report("input-past-end", size);
    }
    const bytes = await this.#input.read(size);
    this.#checkBytes(bytes, size);
    if (size === undefined || bytes?.length < size) this.#isAtEnd = true;
    return bytes;
  }

  async readline(size?: number, ...rest: unknown[]): Promise<Bytes> {
    this.#checkArguments(size, rest);
    const line = await this.#input.readline(size);
    this.#checkLine(line, size);
    return line;
  }

  async readlines(hint?: number, ...rest: unknown[]): Promise<Bytes[]> {
    this.#checkArguments(hint, rest);
    const lines = await this.#input.readlines(hint);
    if (!Array.isArray(lines)) this.#exchange.report("input-result", lines);
    else for (const line of lines) this.#checkLine(line);
    return lines;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Bytes, void> {
    for await (const line of this.#input) {
      this.#checkLine(line);
      yield line;
    }
  }

  get readable(): ReadableStream<Bytes> {
    const readable = this.#readable = this.#input.readable;
    if (!(readable instanceof ReadableStream)) {
      this.#exchange.report("input-result", readable);
    }
    return readable;
  }

  close(): void {
    this.#exchange.report("input-closed", this.#input);
  }

  #checkArguments(size: number | undefined, rest: unknown[]): void {
    if (rest.length > 0) {
      this.#exchange.report("input-arguments", [size, ...rest]);
    }
    if (size !== undefined && !(Number.isInteger(size) && size >= 0)) {
      this.#exchange.report("input-size", size);
    }
  }

  #checkBytes(bytes: Uint8Array, size = Infinity): void {
    if (!(bytes instanceof Uint8Array)) {
      this.#exchange.report("input-result", bytes);
      return;
    }
    if (bytes.length > size) {
      this.#exchange.report("input-excess", `${bytes.length} of ${size} bytes`);
    }
    if (this.#isAtEnd && bytes.length > 0) {
      this.#exchange.report("input-after-end", bytes);
    }
    this.#left -= bytes.length;
    this.#size += bytes.length;
  }

  #checkLine(line: Uint8Array, size = Infinity): void {
    this.#checkBytes(line, size);
    if (!(line instanceof Uint8Array)) return;
    const newline = line.indexOf(10);
    if (newline >= 0 && newline < line.length - 1) {
      this.#exchange.report("input-result", line);
    }
    if (newline < 0 && line.length < size) this.#isAtEnd = true;
  }
}

/** Guards `wsgi.errors`, which has no more methods than these. */
export class ErrorsGuard implements ErrorStream {
  readonly #exchange: Exchange;
  readonly #errors: ErrorStream;

  constructor(exchange: Exchange, errors: ErrorStream) {
    this.#exchange = exchange;
    this.#errors = errors;
  }

  /** The exchange that an environ has come through last. */
  static exchangeOf(
    environ: Partial<WsgiEnviron> | null,
  ): Exchange | undefined {
    const errors = environ?.["wsgi.errors"];
    return errors instanceof ErrorsGuard ? errors.#exchange : undefined;
  }

  write(text: string, ...rest: unknown[]): void {
    this.#checkRest(rest);
    if (typeof text !== "string") this.#exchange.report("errors-text", text);
    else if (text.includes("\r")) {
      this.#exchange.report("errors-line-ending", text);
    }
    try {
      this.#errors.write(text);
    } catch (error) {
      if (typeof text === "string") {
        this.#exchange.report("errors-throws", text);
      }
      throw error;
    }
  }

  writelines(list: Iterable<string>, ...rest: unknown[]): void {
    this.#checkRest(rest);
    if (!hasMethods(list, [Symbol.iterator])) {
      this.#exchange.report("errors-text", list);
      this.#errors.writelines(list);
    } else for (const text of list) this.write(text);
  }

  /** What was written, if the stream tells: that of testing defaults does. */
  toString(): string {
    return String(this.#errors);
  }

  flush(...rest: unknown[]): void {
    this.#checkRest(rest);
    this.#errors.flush();
  }

  close(): void {
    this.#exchange.report("errors-closed", this.#errors);
  }

  #checkRest(rest: unknown[]): void {
    if (rest.length > 0) this.#exchange.report("errors-arguments", rest);
  }
}

/** Guards `wsgi.file_wrapper`. */
function guardFileWrapper(
  exchange: Exchange,
  wrapper: FileWrapperFactory,
): FileWrapperFactory {
  return (filelike, blksize, ...rest: unknown[]) => {
    if (rest.length > 0) {
      exchange.report("file-wrapper-arguments", [filelike, blksize, ...rest]);
    }
    if (
      !hasMethods(filelike, ["read"]) &&
      !(filelike instanceof ReadableStream) && !(filelike instanceof Blob)
    ) {
      exchange.report("file-wrapper-file", filelike);
    }
    const result = wrapper(filelike, blksize);
    if (
      !isIterable(result) ||
      (hasMethods(filelike, ["close"]) && !hasMethods(result, ["close"]))
    ) {
      exchange.report("file-wrapper-result", result);
    }
    return result;
  };
}
