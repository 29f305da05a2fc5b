// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

import { escapeControls, quote } from "./_escape.ts";
import { isInstance } from "./_is_instance.ts";
import { RequestError } from "./_request_error.ts";
import type { ErrorStream } from "./types.ts";

/** The most causes of an error that are shown. */
const MAX_CAUSES = 10;

/**
 * An {@linkcode ErrorStream} that passes text on.
 *
 * @example Usage
 * ```ts
 * import { TextErrorStream } from "@wsgi/wsgiref/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * let text = "";
 * const errors = new TextErrorStream((chunk) => text += chunk);
 * errors.writelines(["first\n", "second\n"]);
 * assertEquals(text, "first\nsecond\n");
 * ```
 */
export class TextErrorStream implements ErrorStream {
  #write: (text: string) => void;

  /**
   * Constructs a new instance.
   *
   * @param write Takes each piece of text, which may be a part of a line. For
   * the console there is {@linkcode ConsoleErrorStream}.
   */
  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /**
   * Writes text.
   *
   * @param text Any text.
   * @throws {TypeError} If `text` is not a string.
   */
  write(text: string): void {
    if (typeof text !== "string") {
      throw new TypeError(
        `Cannot write to wsgi.errors as it takes a string: received ${
          quote(text)
        }`,
      );
    }
    this.#write(text);
  }

  /**
   * Writes several pieces of text.
   *
   * @param list The pieces.
   * @throws {TypeError} If one of them is not a string.
   */
  writelines(list: Iterable<string>): void {
    for (const text of list) this.write(text);
  }

  /** Does nothing: all that was written has been passed on. */
  flush(): void {}
}

/**
 * An {@linkcode ErrorStream} that writes whole lines with `console.error()`.
 *
 * @example Usage
 * ```ts
 * import { ConsoleErrorStream } from "@wsgi/wsgiref/handlers";
 *
 * const errors = new ConsoleErrorStream();
 * errors.write("It is ");
 * errors.write("one line\n");
 * ```
 */
export class ConsoleErrorStream extends TextErrorStream {
  #line = "";

  /** Constructs a new instance. */
  constructor() {
    super((text) => {
      this.#line += text;
      if (text.endsWith("\n")) this.flush();
    });
  }

  /** Writes what is left of a line that has not ended. */
  override flush(): void {
    const line = this.#line;
    this.#line = "";
    // deno-lint-ignore no-console
    if (line !== "") console.error(line.replace(/\n$/, ""));
  }
}

/** Where errors go that no other stream is given for, or can take. */
export const CONSOLE_ERRORS: ErrorStream = new ConsoleErrorStream();

/**
 * An error and its causes as lines of text, each with at most `limit` frames of
 * its trace. It never throws, whatever it is given.
 */
export function formatError(error: unknown, limit: number | null): string {
  const shown = new Set([error]);
  const lines: string[] = [];
  // A set also goes through what is added on the way.
  for (const current of shown) {
    if (lines.length > 0) lines.push("Caused by: ");
    if (lines.length > 2 * MAX_CAUSES) {
      lines.push("…\n");
      break;
    }
    try {
      lines.push(formatOne(current, limit));
      const { cause } = Object(current);
      if (isInstance(current, RequestError)) continue;
      if (cause !== undefined) shown.add(cause);
      if (current instanceof AggregateError) {
        current.errors.forEach(shown.add, shown);
      }
    } catch {
      lines.push("an error that cannot be shown\n");
    }
  }
  return lines.join("");
}

function formatOne(error: unknown, limit: number | null): string {
  if (!(error instanceof Error)) return `Uncaught ${quote(error)}\n`;
  // Any client can cause it: a line is enough.
  if (isInstance(error, RequestError)) limit = 0;
  const { name, message } = error;
  const stack = String(error.stack ?? "");
  // The frames come after the message, which may have lines like theirs.
  const start = stack.includes(message)
    ? stack.indexOf(message) + message.length
    : 0;
  const frames = stack.slice(start).split("\n")
    .filter((line) => line.startsWith("    at "))
    .slice(0, limit ?? Infinity);
  return [message === "" ? name : `${name}: ${message}`, ...frames]
    .map((line) => `${escapeControls(line)}\n`)
    .join("");
}
