// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

const ESCAPES: Record<string, string> = {
  "\t": "\\t",
  "\n": "\\n",
  "\r": "\\r",
  '"': '\\"',
  "\\": "\\\\",
};

// deno-lint-ignore no-control-regex
const ESCAPED_REGEXP = /[\x00-\x1f\x7f-\x9f\\"\u2028\u2029]/g;

// Most texts have nothing to escape, and a search is faster.

/** `text` on one line: its control characters, quotes and backslashes escaped. */
export function escape(text: string): string {
  if (text.search(ESCAPED_REGEXP) === -1) return text;
  return text.replace(
    ESCAPED_REGEXP,
    (character) =>
      ESCAPES[character] ??
        (character < "\u0100"
          ? `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`
          : `\\u${character.charCodeAt(0).toString(16)}`),
  );
}

// deno-lint-ignore no-control-regex
const CONTROLS_REGEXP = /[\x00-\x1f\x7f-\x9f\u2028\u2029]/g;

/** `text` on one line: its control characters escaped, and nothing else. */
export function escapeControls(text: string): string {
  return text.search(CONTROLS_REGEXP) === -1
    ? text
    : text.replace(CONTROLS_REGEXP, escape);
}

/** `value` as an error message shows it: short, on one line, strings in quotes. */
export function quote(value: unknown, depth = 2): string {
  if (typeof value === "string") {
    return `"${escape(value.slice(0, 200))}${value.length > 200 ? "…" : ""}"`;
  }
  if (Array.isArray(value) && depth > 0) {
    return `[${value.slice(0, 10).map((v) => quote(v, depth - 1)).join(", ")}]`;
  }
  return Object(value) === value
    ? Object.prototype.toString.call(value)
    : String(value);
}
