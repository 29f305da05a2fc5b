// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Greets in the language and in the format that the client likes best.
 *
 * ```sh
 * deno run -N -R simple_server.ts examples/negotiation.ts
 * curl -H "Accept: application/json" -H "Accept-Language: de" localhost:8000
 * ```
 *
 * @module
 */

import { accepts, acceptsLanguages } from "@std/http/negotiation";
import { STATUS_TEXT } from "@std/http/status";
import type { WsgiApplication } from "@wsgi/wsgiref/types";

const GREETINGS = new Map([
  ["en", "Hello, world!"],
  ["de", "Grüß Gott, Welt!"],
  ["ja", "こんにちは、世界！"],
]);

const FORMATS = new Map<string, (text: string) => string>([
  ["text/plain", (text) => `${text}\n`],
  ["text/html", (text) => `<!DOCTYPE html><title>${text}</title>\n`],
  ["application/json", (text) => JSON.stringify({ greeting: text })],
]);

/** Answers with a greeting, or that there is none of this format. */
const greet: WsgiApplication = (environ, startResponse) => {
  const headers = new Headers({
    "Accept": environ.HTTP_ACCEPT ?? "",
    "Accept-Language": environ.HTTP_ACCEPT_LANGUAGE ?? "",
  });
  // A language that is not liked is better than none: RFC 9110, 12.5.4.
  const language = acceptsLanguages({ headers }, ...GREETINGS.keys()) ?? "en";
  const type = accepts({ headers }, ...FORMATS.keys());
  const format = FORMATS.get(type ?? "");
  const status = format ? 200 : 406;
  const text = format
    ? format(GREETINGS.get(language) ?? "")
    : `There is only ${[...FORMATS.keys()].join(", ")}\n`;
  startResponse(`${status} ${STATUS_TEXT[status]}`, [
    ["Content-Type", `${format ? type : "text/plain"}; charset=utf-8`],
    ["Content-Language", format ? language : "en"],
    ["Vary", "Accept, Accept-Language"],
  ]);
  return [new TextEncoder().encode(text)];
};

export default greet;
