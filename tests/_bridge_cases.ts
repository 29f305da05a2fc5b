// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

/**
 * What fetch handlers answer, and are asked: the same with the bridge as
 * without.
 */

import {
  fromFetchHandler,
  TextErrorStream,
  toFetchHandler,
} from "../handlers.ts";
import type { WsgiApplication } from "../types.ts";
import { validator, type ValidatorOptions } from "../validate.ts";

const encoder = new TextEncoder();
const HELLO = encoder.encode("Hello");
const LARGE = new Uint8Array(100_000).map((_, index) => index % 251);

type Controller = ReadableStreamDefaultController<Uint8Array>;

function later(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function form(): FormData {
  const form = new FormData();
  form.set("name", "value");
  form.set("file", new Blob(["content"]), "file.txt");
  return form;
}

/** Makes responses, by their name. */
export const responses: Record<
  string,
  (request: Request) => Response | Promise<Response>
> = {
  "text": () => new Response("Hello"),
  "empty text": () => new Response(""),
  "bytes": () => new Response(HELLO),
  "no bytes": () => new Response(new Uint8Array(0)),
  "many bytes": () => new Response(LARGE),
  "much text": () => new Response("Hello".repeat(20_000)),
  "JSON": () => Response.json({ name: "value" }),
  "a Blob": () => new Response(new Blob(["Hello"])),
  "a Blob with a type": () =>
    new Response(new Blob(["Hello"], { type: "text/x" })),
  "a Blob of parts": () => new Response(new Blob(["Hel", new Blob(["lo"])])),
  "a large Blob": () => new Response(new Blob([LARGE])),
  "URLSearchParams": () => new Response(new URLSearchParams({ a: "b" })),
  "a form": () => new Response(form()),
  "null": () => new Response(null),
  "null with a type": () =>
    new Response(null, { headers: { "Content-Type": "text/plain" } }),
  "a text with its length": () =>
    new Response("Hello", { headers: { "Content-Length": "5" } }),
  "a stream with its length": () =>
    new Response(new Blob(["Hello"]).stream(), {
      headers: { "Content-Length": "5" },
    }),
  "a stream that is done at once": () =>
    new Response(
      new ReadableStream({
        start(controller: Controller) {
          controller.enqueue(HELLO);
          controller.close();
        },
      }),
    ),
  "an empty stream": () =>
    new Response(
      new ReadableStream({ start: (controller) => controller.close() }),
    ),
  "a live stream": () => {
    let count = 0;
    return new Response(
      new ReadableStream({
        async pull(controller: Controller) {
          await later(5);
          if (count++ < 3) controller.enqueue(HELLO);
          else controller.close();
        },
      }),
    );
  },
  "a live stream that begins at once": () => {
    let count = 0;
    return new Response(
      new ReadableStream({
        async pull(controller: Controller) {
          if (count > 0) await later(5);
          if (count++ < 3) controller.enqueue(HELLO);
          else controller.close();
        },
      }),
    );
  },
  "many blocks": () => {
    let count = 0;
    return new Response(
      new ReadableStream({
        pull(controller: Controller) {
          if (count++ < 100) controller.enqueue(HELLO);
          else controller.close();
        },
      }),
    );
  },
  "a stream that fails at once": () =>
    new Response(
      new ReadableStream({ start: (controller) => controller.error("failed") }),
    ),
  "a stream that fails later": () => {
    let count = 0;
    return new Response(
      new ReadableStream({
        async pull(controller: Controller) {
          await later(5);
          if (count++ < 2) controller.enqueue(HELLO);
          else controller.error("failed");
        },
      }),
    );
  },
  "a cloned response": () => {
    const response = new Response("Hello");
    response.clone();
    return response;
  },
  "a clone": () => new Response("Hello").clone(),
  "the clone of a live stream": () =>
    new Response(
      new ReadableStream({
        async pull(controller: Controller) {
          await later(5);
          controller.enqueue(HELLO);
          controller.close();
        },
      }),
    ).clone(),
  "a response that is wrapped again": () => {
    const response = new Response("Hello");
    return new Response(response.body, response);
  },
  "a transformed body": () =>
    new Response(
      new Response("Hello").body?.pipeThrough(new CompressionStream("gzip")),
    ),
  "what fetch gives": ({ url }) =>
    fetch(new URL("?text", url), { headers: { "X-Way": "bare" } }),
  "what fetch gives of a data URL": () => fetch("data:text/plain,Hello"),
  "a redirect": () => Response.redirect("http://localhost/x", 303),
  "204": () => new Response(null, { status: 204 }),
  "205": () => new Response(null, { status: 205 }),
  "304": () => new Response(null, { status: 304, headers: { ETag: '"x"' } }),
  "304 with a length": () =>
    new Response(null, { status: 304, headers: { "Content-Length": "5" } }),
  "404": () => new Response("Not here", { status: 404 }),
  "503 with a reason": () =>
    new Response("Busy", { status: 503, statusText: "Too Busy" }),
  "cookies and repeated headers": () =>
    new Response("Hello", {
      headers: [
        ["Set-Cookie", "a=1"],
        ["Set-Cookie", "b=2; Path=/"],
        ["Vary", "A"],
        ["Vary", "B"],
        ["X-Empty", ""],
        ["X-Latin", "caf\xe9\xa0"],
      ],
    }),
};

/** Answers with the response that the query names. */
function respond(request: Request): Response | Promise<Response> {
  const name = decodeURIComponent(request.url.replace(/^[^?]*\?/, ""));
  return responses[name]?.(request) ?? new Response(null, { status: 500 });
}

/** Requests, as they are sent, by their name. The host comes first. */
export const requests: Record<string, string> = {
  "GET": "GET /a/b?c=d HTTP/1.1\r\n",
  "HTTP/1.0": "GET / HTTP/1.0\r\n",
  "an empty query": "GET /? HTTP/1.1\r\n",
  "an escaped path": "GET /a%2Fb%20c/%7e/caf%C3%A9;d=e HTTP/1.1\r\n",
  "a path of slashes": "GET //a//b/ HTTP/1.1\r\n",
  "dots that are no segments": "GET /.well-known/a..b/c. HTTP/1.1\r\n",
  "a query of all kinds":
    "GET /?a=%26&b=+%20'\"<>[]{}|^`\\&?c/../d HTTP/1.1\r\n",
  "headers": "GET / HTTP/1.1\r\nAccept: a\r\nX-Empty:\r\nX-Long: " +
    "x".repeat(5000) + "\r\nUser-Agent: b/1 (c; d)\r\n",
  "repeated headers":
    "GET / HTTP/1.1\r\nAccept: a\r\nAccept: b\r\nCookie: c=d; e=f\r\n",
  "cookies in pieces": "GET / HTTP/1.1\r\nCookie: a=b\r\nCookie: c=d\r\n",
  "a value that is not ASCII": "GET / HTTP/1.1\r\nX-Latin: caf\xe9\r\n",
  "an underscore in a name": "GET / HTTP/1.1\r\nX_A: a\r\n",
  "Proxy": "GET / HTTP/1.1\r\nProxy: http://localhost/\r\n",
  "a body": "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nHello",
  "a body with a type":
    "POST / HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nHello",
  "an empty body": "POST / HTTP/1.1\r\nContent-Length: 0\r\n",
  "no body": "POST / HTTP/1.1\r\n",
  "a body in chunks":
    "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nHe\r\n3\r\nllo\r\n0\r\n\r\n",
  "DELETE": "DELETE /a HTTP/1.1\r\n",
  "OPTIONS": "OPTIONS /a HTTP/1.1\r\n",
  "PATCH with a body": "PATCH / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
};

/** Answers with what there is to know of a request. */
async function echo(request: Request): Promise<Response> {
  const { method, url, headers, signal } = request;
  return Response.json({
    method,
    url,
    headers: [...headers],
    isAborted: signal.aborted,
    hasBody: request.body !== null,
    body: await request.text(),
  });
}

function answer(request: Request): Response | Promise<Response> {
  return request.headers.has("x-echo") ? echo(request) : respond(request);
}

/** Middleware that stands between the body and the application. */
export function guard(app: WsgiApplication): WsgiApplication {
  return (environ, startResponse) => {
    const input = environ["wsgi.input"];
    environ["wsgi.input"] = {
      read: (size) => input.read(size),
      readline: (size) => input.readline(size),
      readlines: (hint) => input.readlines(hint),
      [Symbol.asyncIterator]: () => input[Symbol.asyncIterator](),
      get readable() {
        return input.readable;
      },
    };
    return app(environ, startResponse);
  };
}

/** A violation is answered 500, unless it is the handler's own. */
const strict: ValidatorOptions = {
  onWarning(warning) {
    if (warning.side !== "application") throw warning;
  },
};

/** The application that the bridge makes of the handler. */
export const app: WsgiApplication = fromFetchHandler(answer);

type Handler = (request: Request, info?: unknown) => ReturnType<typeof answer>;

/** The log, of streams that fail. */
const errors = new TextErrorStream(() => {});

/** The ways from the server to the handler, by their name. */
export const ways: Record<string, Handler> = {
  "bare": answer,
  "bridged": toFetchHandler(app, { errors }),
  "guarded": toFetchHandler(guard(app), { errors }),
  "validated": toFetchHandler(validator(validator(app, strict), strict), {
    errors,
  }),
};

/** Takes the way that a header names. */
export const handler: Handler = (request, info) => {
  const way = ways[request.headers.get("x-way") ?? ""];
  return way?.(request, info) ?? new Response(null, { status: 500 });
};
