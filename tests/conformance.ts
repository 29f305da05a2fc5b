// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

/**
 * What an application may count on, whatever runs it. Each case is an
 * application and what a client finds when it asks for it, in the same process
 * or over a connection.
 */

import {
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
} from "@std/assert";
import {
  fromFetchHandler,
  TextErrorStream,
  toFetchHandler,
} from "../handlers.ts";
import type {
  OpenFile,
  WsgiApplication,
  WsgiEnviron,
  WsgiHeader,
} from "../types.ts";
import { FileWrapper } from "../util.ts";
import { validator, type WsgiConformanceCode } from "../validate.ts";
import { pause } from "./_limit.ts";
import { breaks } from "./_mistakes.ts";

/** Sends a request for a path of the application. */
export type Send = (
  path: string,
  init?: RequestInit,
) => Response | Promise<Response>;

/** The runtimes, and what is served by on them, which have different gaps. */
export type Platform =
  | "Deno"
  | "Deno < 2.9.2"
  | "HTTP/2"
  | "CGI"
  | "nginx, SCGI"
  | "nginx, FastCGI"
  | "Bun"
  | "workerd"
  | "srvx"
  | "@hono/node-server";

/** The platform of tests that run on Deno. */
export const DENO: Platform =
  /^2\.(?:8\.|9\.[01]$)/.test(globalThis.Deno?.version.deno)
    ? "Deno < 2.9.2"
    : "Deno";

export interface ConformanceCase {
  name: string;
  /** The cases of Plack::Test::Suite that are the same, by their names. */
  plack?: string[];
  app: WsgiApplication;
  exercise: (send: Send) => Promise<void>;
  /** The way of asking that the case is about. Without it, both. */
  only?: "in process" | "served";
  /** Where the case does not hold when served, and why. */
  gaps?: Partial<Record<Platform, string>>;
  /** Whether it is about a client's connection, of which not all know. */
  isAboutConnection?: boolean;
  /** The rules that the application breaks on purpose. */
  breaks?: WsgiConformanceCode[];
}

const encoder = new TextEncoder();

const TEXT: WsgiHeader[] = [["Content-Type", "text/plain; charset=utf-8"]];
const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const LARGE = new Uint8Array(1_048_576).map((_, index) => index % 251);

/** An application that answers with text, a native string. */
function text(
  compose: (environ: WsgiEnviron) => unknown | Promise<unknown>,
): WsgiApplication {
  return async (environ, startResponse) => {
    const body = String(await compose(environ));
    startResponse("200 OK", TEXT);
    return [Uint8Array.from(body, (character) => character.charCodeAt(0))];
  };
}

/** An application that answers with some status, headers and blocks. */
function fixed(
  status: string,
  headers: WsgiHeader[],
  ...blocks: string[]
): WsgiApplication {
  return (_environ, startResponse) => {
    startResponse(status, headers);
    return blocks.map((block) => encoder.encode(block));
  };
}

/** The response and its whole body, as a native string. */
async function ask(
  send: Send,
  path: string,
  init?: RequestInit,
): Promise<{ response: Response; body: string }> {
  const response = await send(path, init);
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { response, body: String.fromCharCode(...bytes) };
}

/** Checks that the application answers with text. */
function finds(
  path: string,
  expected: string | RegExp,
  init?: RequestInit,
): ConformanceCase["exercise"] {
  return async (send) => {
    const { response, body } = await ask(send, path, init);
    if (typeof expected === "string") assertEquals(body, expected);
    else assertMatch(body, expected);
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("content-type"), TEXT[0]?.[1]);
  };
}

/** Checks that a body does not come to its end. */
const breaksOff: ConformanceCase["exercise"] = async (send) => {
  await assertRejects(async () => {
    const response = await send("/");
    await response.arrayBuffer();
  });
};

/** What is like an open file of the platform. */
function openFile(text: string, close: () => void): OpenFile {
  const bytes = encoder.encode(text);
  let offset = 0;
  return {
    read(buffer) {
      const block = bytes.subarray(offset, offset + buffer.length);
      buffer.set(block);
      offset += block.length;
      return Promise.resolve(block.length > 0 ? block.length : null);
    },
    seek: (by, whence) =>
      Promise.resolve(offset = whence === 1 ? offset + by : by),
    stat: () => Promise.resolve({ size: bytes.length, isFile: true }),
    close,
  };
}

/** What happened to requests whose client may be gone by now. */
const history = new Map<string, string[]>();

function record(environ: WsgiEnviron, event: string): void {
  const { QUERY_STRING: id = "" } = environ;
  history.set(id, [...history.get(id) ?? [], event]);
  // Who runs each application in a process of its own finds it in the log.
  environ["wsgi.errors"].write(`history ${id} ${event}\n`);
}

/** An application that streams, and records how that ends. */
function recording(
  stream: (environ: WsgiEnviron) => Iterable<Uint8Array>,
): WsgiApplication {
  return (environ, startResponse) => {
    environ["wsgiref.signal"]?.addEventListener(
      "abort",
      () => record(environ, "signal"),
    );
    startResponse("200 OK", TEXT);
    return Object.assign(stream(environ), {
      close: () => record(environ, "close"),
    });
  };
}

/** The history of a request, which another request asks for. */
const recall: WsgiApplication = text(({ QUERY_STRING: id = "" }) =>
  (history.get(id) ?? []).join(", ")
);

/** Asks for the history of a request until it is as expected. */
async function assertHistory(
  send: Send,
  id: string,
  expected: string,
): Promise<void> {
  const deadline = Date.now() + 5000;
  for (;;) {
    const response = await send(`/history?${id}`);
    const actual = await response.text();
    if (actual === expected) return;
    if (Date.now() > deadline) assertEquals(actual, expected);
  }
}

const post = (text: string): RequestInit => ({ method: "POST", body: text });

export const cases: ConformanceCase[] = [
  {
    name: "SCRIPT_NAME is empty at the root",
    plack: ["SCRIPT_NAME", "SCRIPT_NAME should not be undef"],
    app: text((environ) => JSON.stringify(environ.SCRIPT_NAME)),
    exercise: finds("/", '""'),
  },
  {
    name: "QUERY_STRING is not decoded",
    plack: ["GET"],
    app: text((environ) => environ.QUERY_STRING),
    exercise: finds("/?name=a%20b+c&x=%C3%A9", "name=a%20b+c&x=%C3%A9"),
  },
  {
    name: "PATH_INFO is decoded",
    plack: ["% encoding in PATH_INFO"],
    app: text((environ) => environ.PATH_INFO),
    exercise: finds("/foo/bar%2cbaz%2F", "/foo/bar,baz/"),
  },
  {
    name: "PATH_INFO may have a zero byte",
    gaps: { "nginx, SCGI": "It refuses it", "nginx, FastCGI": "It refuses it" },
    app: text((environ) => environ.PATH_INFO),
    exercise: finds("/foo%00", "/foo\0"),
  },
  {
    name: "PATH_INFO is decoded once",
    plack: ["% double encoding in PATH_INFO"],
    app: text((environ) => environ.PATH_INFO),
    exercise: finds("/foo/bar%252cbaz", "/foo/bar%2cbaz"),
  },
  {
    name: "PATH_INFO has bytes, not characters",
    plack: ["% encoding in PATH_INFO (outside of URI characters)"],
    app: text((environ) => environ.PATH_INFO),
    exercise: finds("/foo%E3%81%82%ff", "/foo\xe3\x81\x82\xff"),
  },
  {
    name: "PATH_INFO keeps repeated slashes",
    plack: ["repeated slashes"],
    app: text((environ) => environ.PATH_INFO),
    exercise: finds("//foo///bar/baz/", "//foo///bar/baz/"),
  },
  {
    name: "REQUEST_URI is as it was written",
    plack: ["REQUEST_URI is set"],
    app: text((environ) => environ.REQUEST_URI),
    exercise: finds("/foo/bar%20baz%73?x=a", "/foo/bar%20baz%73?x=a"),
  },
  {
    name: "the environ tells the method, the scheme and the protocol",
    plack: ["psgi.url_scheme", "SERVER_PROTOCOL is required"],
    app: text((environ) =>
      `${environ.REQUEST_METHOD} ${
        environ["wsgi.url_scheme"]
      } ${environ.SERVER_PROTOCOL}`
    ),
    exercise: finds("/", /^DELETE https? HTTP\/1\.1$/, { method: "DELETE" }),
  },
  {
    name: "SERVER_NAME and SERVER_PORT are those of the URL",
    plack: ["validate env"],
    app: text(({ SERVER_NAME: name, SERVER_PORT: port, HTTP_HOST: host }) =>
      host === undefined || host === `${name}:${port}` || host === name
    ),
    exercise: finds("/", "true"),
  },
  {
    name: "request headers become variables",
    plack: ["handle HTTP-Header", "a big header value > 128 bytes"],
    app: text((environ) => environ.HTTP_X_FOO),
    exercise: finds("/", "abcdefgh".repeat(64), {
      headers: { "X-Foo": "abcdefgh".repeat(64) },
    }),
  },
  {
    name: "repeated request headers become one variable",
    plack: ["test multi headers (request)"],
    app: text((environ) => environ.HTTP_X_FOO),
    exercise: finds("/", /^bar, ?baz$/, {
      headers: [["X-Foo", "bar"], ["X-Foo", "baz"]],
    }),
  },
  {
    name: "the characters of header values are bytes, both ways",
    gaps: {
      CGI: "Deno tells of no variables that are not valid UTF-8",
      workerd: "It decodes them as UTF-8",
      "@hono/node-server": "It encodes those of the response as UTF-8",
    },
    app: (environ, startResponse) => {
      startResponse("200 OK", [["X-Foo", environ.HTTP_X_FOO ?? ""]]);
      return [];
    },
    async exercise(send) {
      const headers = { "X-Foo": "caf\xe9" };
      const { response } = await ask(send, "/", { headers });
      assertEquals(response.headers.get("x-foo"), "caf\xe9");
    },
  },
  {
    name: "cookies and credentials come through",
    plack: ["handle HTTP-Cookie", "handle Authorization header"],
    app: text(({ HTTP_COOKIE: cookie, HTTP_AUTHORIZATION: credentials }) =>
      `${cookie} ${credentials}`
    ),
    exercise: finds("/", "a=1; b=2 Basic XXXX", {
      headers: { Cookie: "a=1; b=2", Authorization: "Basic XXXX" },
    }),
  },
  {
    name: "cookies and credentials are absent if there are none",
    plack: [
      "Do not set env COOKIE",
      "handle Authorization header (without)",
    ],
    app: text((environ) =>
      ["COOKIE", "HTTP_COOKIE", "AUTHORIZATION", "HTTP_AUTHORIZATION"]
        .filter((name) => name in environ)
    ),
    exercise: finds("/", ""),
  },
  {
    name: "a Proxy header is dropped",
    app: text((environ) => "HTTP_PROXY" in environ),
    exercise: finds("/", "false", { headers: { Proxy: "http://evil/" } }),
  },
  {
    name: "CONTENT_TYPE and CONTENT_LENGTH are absent without a body",
    gaps: { "nginx, SCGI": "SCGI has always a CONTENT_LENGTH" },
    app: text((environ) =>
      "CONTENT_TYPE" in environ || "CONTENT_LENGTH" in environ
    ),
    exercise: finds("/", "false"),
  },
  {
    name: "CONTENT_TYPE and CONTENT_LENGTH describe the body",
    only: "served",
    app: text((environ) => `${environ.CONTENT_TYPE} ${environ.CONTENT_LENGTH}`),
    exercise: finds("/", "text/x-spam 14", {
      ...post("name=tatsuhiko"),
      headers: { "Content-Type": "text/x-spam" },
    }),
  },
  {
    name: "wsgi.input is empty without a body, however often it is read",
    plack: ["request->content on GET"],
    app: text(async ({ "wsgi.input": input }) => [
      (await input.read()).length,
      (await input.readline(1)).length,
      (await input.readlines()).length,
      (await input.read(1)).length,
    ]),
    exercise: finds("/", "0,0,0,0"),
  },
  {
    name: "wsgi.input reads exactly CONTENT_LENGTH bytes",
    plack: ["POST"],
    only: "served",
    app: async (environ, startResponse) => {
      const { CONTENT_TYPE: type, CONTENT_LENGTH: length } = environ;
      const body = await environ["wsgi.input"].read(Number(length));
      startResponse("200 OK", [
        ...TEXT,
        ["X-Content-Type", `${type}`],
        ["X-Content-Length", `${length}`],
      ]);
      return [encoder.encode("Hello, "), body];
    },
    async exercise(send) {
      const { response: { headers }, body } = await ask(send, "/", {
        method: "POST",
        body: new URLSearchParams("name=tatsuhiko"),
      });
      assertMatch(
        headers.get("x-content-type") ?? "",
        /^application\/x-www-form-urlencoded/,
      );
      assertEquals(headers.get("x-content-length"), "14");
      assertEquals(body, "Hello, name=tatsuhiko");
    },
  },
  {
    name: "wsgi.input reads every byte, in pieces",
    app: text(async ({ "wsgi.input": input }) => {
      let bytes = "";
      for (let size = 1;; size++) {
        const block = await input.read(size);
        if (block.length === 0) return bytes;
        bytes += String.fromCharCode(...block);
      }
    }),
    exercise: finds("/", String.fromCharCode(...EVERY_BYTE), {
      method: "PUT",
      body: EVERY_BYTE,
    }),
  },
  {
    name: "wsgi.input reads lines",
    app: text(async ({ "wsgi.input": input }) => {
      const lines = [];
      for await (const line of input) lines.push(line.length);
      return lines;
    }),
    exercise: finds("/", "4,1,3", post("one\n\ntwo")),
  },
  {
    name: "wsgi.input.readable parses as JSON",
    plack: ["request->input seekable"],
    app: text(async ({ "wsgi.input": { readable } }) =>
      (await new Response(readable).json()).name
    ),
    exercise: finds("/", "spam", post('{"name": "spam"}')),
  },
  {
    name: "wsgi.input.readable parses as a form",
    app: text(async ({ "wsgi.input": { readable }, CONTENT_TYPE: type }) => {
      const headers = new Headers({ "content-type": `${type}` });
      const form = await new Response(readable, { headers }).formData();
      return [...form].join(" ");
    }),
    exercise: finds("/", "name,spam size,2", {
      method: "POST",
      body: new URLSearchParams("name=spam&size=2"),
    }),
  },
  {
    name: "wsgi.input reads a large body, line by line and in blocks",
    plack: ["big POST"],
    app: async (environ, startResponse) => {
      const input = environ["wsgi.input"];
      const blocks = [await input.readline(), await input.readline()];
      do blocks.push(await input.read(500_000)); while (blocks.at(-1)?.length);
      startResponse("200 OK", []);
      return blocks;
    },
    async exercise(send) {
      const body = new Blob([LARGE, LARGE, LARGE]);
      const response = await send("/", { method: "POST", body });
      assertEquals(
        new Uint8Array(await response.arrayBuffer()),
        new Uint8Array(await body.arrayBuffer()),
      );
    },
  },
  {
    name: "a large body goes in and out, block by block",
    app: (environ, startResponse) => {
      startResponse("200 OK", []);
      return environ["wsgi.input"].readable;
    },
    async exercise(send) {
      const response = await send("/", { method: "POST", body: LARGE });
      assertEquals(new Uint8Array(await response.arrayBuffer()), LARGE);
    },
  },
  {
    name: "a body that is not read leaves the connection usable",
    app: text((environ) => environ.PATH_INFO),
    async exercise(send) {
      for (const path of ["/first", "/second", "/third"]) {
        await finds(path, path, { method: "POST", body: LARGE })(send);
      }
    },
  },
  {
    name: "wsgi.errors takes text",
    plack: ["has errors"],
    app: text(({ "wsgi.errors": errors }) => {
      errors.write("café\n");
      errors.writelines(["one\n", "two\n"]);
      errors.flush();
      return "written";
    }),
    exercise: finds("/", "written"),
  },
  {
    name: "the validator finds nothing amiss",
    app: validator(text(({ "wsgi.input": input }) => input.readline(2))),
    exercise: finds("/path?query", "115,112", post("spam")),
  },
  {
    name: "the status goes out",
    plack: ["status line"],
    app: fixed("404 Not Found", TEXT, "not here"),
    async exercise(send) {
      const { response, body } = await ask(send, "/");
      assertEquals(response.status, 404);
      assertEquals(response.statusText, "Not Found");
      assertEquals(body, "not here");
    },
  },
  {
    name: "an error status goes out with its body",
    plack: ["test 404"],
    app: fixed("404 Not Found", TEXT, "Not Found"),
    async exercise(send) {
      const { response, body } = await ask(send, "/");
      assertEquals(response.status, 404);
      assertEquals(response.headers.get("content-type"), TEXT[0]?.[1]);
      assertEquals(body, "Not Found");
    },
  },
  {
    name: "headers of the same name all go out",
    plack: ["test multi headers (response)"],
    app: fixed("200 OK", [["X-Foo", "foo"], ["X-Foo", "bar, baz"]]),
    async exercise(send) {
      const { response: { headers } } = await ask(send, "/");
      assertMatch(headers.get("x-foo") ?? "", /^foo, ?bar, baz$/);
    },
  },
  {
    name: "each Set-Cookie goes out on its own",
    app: fixed("200 OK", [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2, c"]]),
    async exercise(send) {
      const { response: { headers } } = await ask(send, "/");
      assertEquals(headers.getSetCookie(), ["a=1", "b=2, c"]);
    },
  },
  {
    name: "blocks become one body of their length",
    plack: ["CRLF output and FCGI parse bug", "newlines"],
    only: "served",
    app: fixed("200 OK", TEXT, "Foo: Bar\r\n", "\r\n", "", "Hello\n"),
    async exercise(send) {
      const { response, body } = await ask(send, "/");
      assertEquals(response.headers.get("content-length"), "18");
      assertEquals(body, "Foo: Bar\r\n\r\nHello\n");
    },
  },
  {
    name: "no blocks become an empty body",
    only: "served",
    gaps: { "HTTP/2": "Deno leaves Content-Length: 0 out" },
    app: fixed("200 OK", TEXT),
    async exercise(send) {
      const { response, body } = await ask(send, "/");
      assertEquals(response.headers.get("content-length"), "0");
      assertEquals(body, "");
    },
  },
  {
    name: "blocks are answered at once",
    only: "in process",
    app: fixed("200 OK", TEXT, "Hello"),
    // deno-lint-ignore require-await
    async exercise(send) {
      assertInstanceOf(send("/"), Response);
    },
  },
  {
    name: "the head of HEAD is that of GET",
    only: "served",
    gaps: { "Deno < 2.9.2": "It puts Content-Length: 0 in place of another" },
    app: fixed("200 OK", TEXT, "Hello"),
    async exercise(send) {
      const { response, body } = await ask(send, "/", { method: "HEAD" });
      assertEquals(response.headers.get("content-length"), "5");
      assertEquals(body, "");
    },
  },
  {
    name: "HEAD of nothing does not say that GET sends nothing",
    app: fixed("200 OK", TEXT),
    async exercise(send) {
      const { response, body } = await ask(send, "/", { method: "HEAD" });
      assertEquals(response.headers.get("content-length"), null);
      assertEquals(body, "");
    },
  },
  ...["204 No Content", "304 Not Modified"].map((status) => ({
    name: `${status} has no body and no headers of one`,
    plack: status.startsWith("304") ? ["no entity headers on 304"] : [],
    app: fixed(status, [["ETag", '"1"']]),
    async exercise(send: Send) {
      const { response, body } = await ask(send, "/");
      assertEquals(`${response.status} ${response.statusText}`, status);
      assertEquals(response.headers.get("etag"), '"1"');
      assertEquals(response.headers.get("content-type"), null);
      assertEquals(response.headers.get("content-length"), null);
      assertEquals(body, "");
    },
  })),
  {
    name: "a result that is a stream goes out",
    app: (_environ, startResponse) => {
      startResponse("200 OK", TEXT);
      return new Blob(["Hello, ", "world!"]).stream();
    },
    exercise: finds("/", "Hello, world!"),
  },
  {
    name: "write() goes out before the result",
    plack: ["coderef streaming"],
    app: async (_environ, startResponse) => {
      const write = startResponse("200 OK", TEXT);
      await write(encoder.encode("Hello, "));
      await write(encoder.encode("world"));
      return [encoder.encode("!")];
    },
    exercise: finds("/", "Hello, world!"),
  },
  {
    name: "a response may start after a while",
    plack: ["coderef res"],
    app: async (environ, startResponse) => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      startResponse("200 OK", TEXT);
      return [encoder.encode(`Hello, ${environ.QUERY_STRING}`)];
    },
    exercise: finds("/?name=miyagawa", "Hello, name=miyagawa"),
  },
  {
    name: "a file of unknown length goes out",
    plack: ["return glob"],
    app: (environ, startResponse) => {
      startResponse("200 OK", TEXT);
      const file = new Blob(["package main; ", "END_MARK"]).stream();
      return environ["wsgi.file_wrapper"]?.(file) ?? new FileWrapper(file);
    },
    exercise: finds("/", "package main; END_MARK"),
  },
  {
    name: "a large file goes out, byte for byte",
    plack: ["bigger file"],
    gaps: {
      Bun: "It sends a stream without its length",
      workerd: "It sends a stream without its length",
    },
    app: (environ, startResponse) => {
      const length = String(LARGE.length);
      startResponse("200 OK", [...TEXT, ["Content-Length", length]]);
      const file = new Blob([LARGE]);
      return environ["wsgi.file_wrapper"]?.(file) ?? new FileWrapper(file);
    },
    async exercise(send) {
      const response = await send("/");
      assertEquals(
        response.headers.get("content-length"),
        String(LARGE.length),
      );
      const bytes = new Uint8Array(await response.arrayBuffer());
      assertEquals(bytes.length, LARGE.length);
      assertEquals(bytes.findIndex((byte, at) => byte !== LARGE[at]), -1);
    },
  },
  {
    name: "an open file goes out from where it stands, and is closed",
    plack: ["filehandle with path()"],
    app: (environ, startResponse) => {
      startResponse("200 OK", TEXT);
      const file = openFile("0123456789", () => record(environ, "close"));
      file.seek(4, 0);
      return environ["wsgi.file_wrapper"]?.(file) ?? new FileWrapper(file);
    },
    async exercise(send) {
      const id = crypto.randomUUID();
      await finds(`/?${id}`, "456789")(send);
      await assertHistory(send, id, "close");
    },
  },
  {
    name: "a file goes out with its length",
    plack: ["filehandle"],
    app: (environ, startResponse) => {
      startResponse("200 OK", TEXT);
      const file = new Blob(["Hello, world!"]);
      return environ["wsgi.file_wrapper"]?.(file) ?? new FileWrapper(file);
    },
    async exercise(send) {
      const { response, body } = await ask(send, "/");
      assertEquals(response.headers.get("content-length"), "13");
      assertEquals(body, "Hello, world!");
    },
  },
  {
    name: "an iterator is used up, then closed once, without a signal",
    plack: ["call close after read IO::Handle-like"],
    app: recording(function* (environ) {
      for (const digit of "1234") yield encoder.encode(digit);
      record(environ, "end");
    }),
    async exercise(send) {
      const id = crypto.randomUUID();
      await finds(`/?${id}`, "1234")(send);
      await assertHistory(send, id, "end, close");
    },
  },
  {
    name: "no more goes out than Content-Length says",
    breaks: ["content-length-exceeded"],
    app: fixed(
      "200 OK",
      [...TEXT, ["Content-Length", "5"]],
      "Hello, ",
      "world",
    ),
    exercise: finds("/", "Hello"),
  },
  {
    name: "an error becomes a response, and the next request is answered",
    plack: ["Do not crash when the app dies"],
    app: (environ, startResponse) => {
      startResponse("200 OK", [...TEXT, ["X-Foo", "bar"]]);
      if (environ.PATH_INFO === "/error") throw new RangeError("secret");
      return [encoder.encode("fine")];
    },
    async exercise(send) {
      const { response, body } = await ask(send, "/error");
      assertEquals(response.status, 500);
      assertEquals(response.headers.get("x-foo"), null);
      assertMatch(body, /^A server error occurred\./);
      await finds("/", "fine")(send);
    },
  },
  {
    name: "an error after the head breaks the body off",
    isAboutConnection: true,
    app: function* (_environ, startResponse) {
      startResponse("200 OK", TEXT);
      yield LARGE;
      throw new RangeError("secret");
    },
    exercise: breaksOff,
  },
  {
    name: "a body that is too short breaks off",
    isAboutConnection: true,
    breaks: ["content-length-unreached"],
    app: function* (_environ, startResponse) {
      startResponse("200 OK", [...TEXT, ["Content-Length", "1048577"]]);
      yield LARGE;
    },
    exercise: breaksOff,
  },
  {
    name: "a client that stops reading is not read ahead for",
    isAboutConnection: true,
    only: "in process",
    app: recording(function* (environ) {
      for (let count = 1;; count++) {
        record(environ, `block ${count}`);
        yield LARGE;
      }
    }),
    async exercise(send) {
      const id = crypto.randomUUID();
      const { body } = await send(`/?${id}`);
      const reader = body?.getReader();
      await reader?.read();
      await assertHistory(send, id, "block 1");
      await reader?.read();
      await assertHistory(send, id, "block 1, block 2");
      await reader?.cancel();
    },
  },
  {
    name: "a client that leaves ends the body",
    isAboutConnection: true,
    app: recording(function* (environ) {
      try {
        for (;;) yield LARGE;
      } finally {
        record(environ, "return");
      }
    }),
    async exercise(send) {
      const id = crypto.randomUUID();
      const { body } = await send(`/?${id}`);
      const reader = body?.getReader();
      await reader?.read();
      await reader?.cancel();
      await assertHistory(send, id, "signal, return, close");
    },
  },
  {
    name: "a client that leaves is noticed while the application thinks",
    isAboutConnection: true,
    gaps: {
      CGI: "A signal ends the script, as long as it has no result",
      workerd: "It does not look at the connection until it writes",
    },
    app: async (environ, startResponse) => {
      record(environ, "begin");
      await new Promise((resolve) =>
        environ["wsgiref.signal"]?.addEventListener("abort", resolve)
      );
      record(environ, "signal");
      startResponse("200 OK", TEXT);
      return Object.assign([], { close: () => record(environ, "close") });
    },
    async exercise(send) {
      const id = crypto.randomUUID();
      const controller = new AbortController();
      const response = Promise.resolve(
        send(`/?${id}`, { signal: controller.signal }),
      );
      response.catch(() => {});
      await assertHistory(send, id, "begin");
      // Deno is asked after a tenth of a second, and does not tell over HTTP/2
      // who had left before.
      await pause(200);
      controller.abort();
      await assertHistory(send, id, "begin, signal, close");
    },
  },
  {
    name: "a fetch handler answers as an application",
    app: fromFetchHandler(async (request) => {
      const { pathname, search } = new URL(request.url);
      const body = await request.text();
      return new Response(`${request.method} ${pathname}${search} ${body}`, {
        status: 201,
        headers: [
          ["set-cookie", "a=1"],
          ["set-cookie", "b=2"],
          ["x-foo", request.headers.get("x-foo") ?? ""],
        ],
      });
    }),
    async exercise(send) {
      const { response, body } = await ask(send, "//a%2Fb%ff?c=%20d", {
        ...post("spam"),
        headers: { "X-Foo": "bar" },
      });
      assertEquals(response.status, 201);
      assertEquals(response.statusText, "Created");
      assertEquals(response.headers.getSetCookie(), ["a=1", "b=2"]);
      assertEquals(response.headers.get("x-foo"), "bar");
      assertEquals(body, "POST //a%2Fb%ff?c=%20d spam");
    },
  },
];

/** Sends the requests of one case. */
export function sendFor(conformanceCase: ConformanceCase, send: Send): Send {
  breaks(...conformanceCase.breaks ?? []);
  return (path, init) => {
    const headers = new Headers(init?.headers);
    headers.set("X-Case", conformanceCase.name);
    return send(path, { ...init, headers });
  };
}

/** Runs the cases in this process, and tells what went wrong with each. */
async function runInProcess(): Promise<Record<string, string | null>> {
  const failures: Record<string, string | null> = {};
  for (const conformanceCase of cases) {
    if (conformanceCase.only === "served") continue;
    const send: Send = (path, init) =>
      handler(new Request(`http://localhost${path}`, init));
    failures[conformanceCase.name] = await conformanceCase
      .exercise(sendFor(conformanceCase, send))
      .then(() => null, (error) => error.stack ?? String(error));
  }
  return failures;
}

/** The applications of all cases, and what tells of those in this process. */
export const application: WsgiApplication = (environ, startResponse) => {
  switch (environ.PATH_INFO) {
    case "/history":
      return recall(environ, startResponse);
    case "/in-process":
      return text(async () => JSON.stringify(await runInProcess()))(
        environ,
        startResponse,
      );
  }
  const { app } = cases.find(({ name }) => name === environ.HTTP_X_CASE) ??
    { app: fixed("404 Not Found", TEXT) };
  return app(environ, startResponse);
};

export const handler: ReturnType<typeof toFetchHandler> = toFetchHandler(
  application,
  { errors: new TextErrorStream(() => {}) },
);
