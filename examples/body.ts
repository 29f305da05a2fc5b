// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Reads the body of the request: as text, JSON, form data or lines.
 *
 * ```sh
 * deno run -N -R simple_server.ts examples/body.ts
 * curl --data spam localhost:8000/text
 * curl --json '{"name": "spam"}' localhost:8000/json
 * curl --form name=spam localhost:8000/form
 * curl --data-binary @README.md localhost:8000/lines
 * ```
 *
 * @module
 */

import { TextLineStream } from "@std/streams/text-line-stream";
import { RequestError } from "@wsgi/wsgiref/handlers";
import type { WsgiApplication, WsgiEnviron } from "@wsgi/wsgiref/types";

/** What is left of the body, with the methods of a `Response`. */
function body(environ: WsgiEnviron): Response {
  const { CONTENT_TYPE: type = "", "wsgi.input": input } = environ;
  return new Response(input.readable, { headers: { "Content-Type": type } });
}

const READERS: Record<string, (environ: WsgiEnviron) => Promise<string>> = {
  async "/text"(environ) {
    const text = await body(environ).text();
    return text.toUpperCase();
  },
  async "/json"(environ) {
    const { name } = await body(environ).json();
    return String(name ?? "");
  },
  async "/form"(environ) {
    const form = await body(environ).formData();
    return String(form.get("name") ?? "");
  },
  async "/lines"(environ) {
    const lines = environ["wsgi.input"].readable
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    let count = 0;
    for await (const line of lines) {
      if (line !== "") count++;
    }
    return `${count} lines are not empty`;
  },
};

/** Answers with what the path asks for. */
const readBody: WsgiApplication = async (environ, startResponse) => {
  const reader = READERS[environ.PATH_INFO ?? ""];
  if (!reader) {
    startResponse("404 Not Found", [["Content-Type", "text/plain"]]);
    return [];
  }
  let text;
  try {
    text = await reader(environ);
  } catch (error) {
    // A body that is too large, or broken off, is one already.
    if (error instanceof RequestError) throw error;
    throw new RequestError("Cannot read the body", 400, { cause: error });
  }
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  return [new TextEncoder().encode(text)];
};

export default readBody;
