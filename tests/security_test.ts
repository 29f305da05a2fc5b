// Copyright 2026 the wsgiref authors. MIT license.

/** What `docs/security.md` says of requests that no client should send. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { WsgiApplication } from "../types.ts";
import { ask, Client } from "./_client.ts";
import { parseAnswers } from "./_fuzz_requests.ts";
import { framesOf, serve, WAYS } from "./_serving.ts";

const NEXT = "GET /next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

/** Answers with the method, the path and the size of the body. */
const application: WsgiApplication = async (environ, startResponse) => {
  const { length } = await environ["wsgi.input"].read();
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  const { REQUEST_METHOD: method, PATH_INFO: path } = environ;
  return [new TextEncoder().encode(`${method} ${path} ${length}`)];
};

/** A POST request with a header, and what follows its head. */
function post(header: string, body: string, version = "1.1"): string {
  return `POST / HTTP/${version}\r\nHost: h\r\n${header}\r\n\r\n${body}`;
}

/** A POST request with some bytes as its body in chunks. */
function chunked(body: string): string {
  return post("Transfer-Encoding: chunked", body);
}

/** A GET request with a header. */
function get(header: string, target = "/"): string {
  return `GET ${target} HTTP/1.1\r\n${header}\r\n\r\n`;
}

const FOUR = "4\r\nabcd\r\n0\r\n\r\n";

/** The answers to a request that is followed by {@linkcode NEXT}. */
const REFUSED = ["400"];
const CLOSED: string[] = [];
const NEXT_ANSWER = "200 GET /next 0";
const POSTED = ["200 POST / 4", NEXT_ANSWER];
const GOT = ["200 GET / 0", NEXT_ANSWER];

const CASES: [name: string, request: string, answers: string[]][] = [
  // Where a body ends: RFC 9112, 6.3.
  [
    "Content-Length and Transfer-Encoding",
    post("Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
    REFUSED,
  ],
  [
    "two lengths",
    post("Content-Length: 4\r\nContent-Length: 5", "abcde"),
    REFUSED,
  ],
  ["two lengths in one line", post("Content-Length: 4, 5", "abcde"), REFUSED],
  ["a length with a sign", post("Content-Length: +4", "abcd"), REFUSED],
  ["a negative length", post("Content-Length: -1", ""), REFUSED],
  ["a hexadecimal length", post("Content-Length: 0x4", "abcd"), REFUSED],
  [
    "a length beyond 64 bits",
    post("Content-Length: 99999999999999999999", ""),
    REFUSED,
  ],
  ["a blank before the colon", post("Content-Length : 4", "abcd"), REFUSED],
  [
    "a length with blanks around it",
    post("Content-Length:  4 ", "abcd"),
    POSTED,
  ],
  [
    "the same length twice",
    post("Content-Length: 4\r\nContent-Length: 4", "abcd"),
    POSTED,
  ],
  [
    "a last coding that is not chunked",
    post("Transfer-Encoding: chunked, identity", FOUR),
    REFUSED,
  ],
  ["an unknown coding", post("Transfer-Encoding: xchunked", FOUR), REFUSED],
  [
    "a control character before chunked",
    post("Transfer-Encoding: \x0bchunked", FOUR),
    REFUSED,
  ],
  [
    "two codings",
    post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", FOUR),
    REFUSED,
  ],
  [
    "chunks of HTTP/1.0",
    post("Transfer-Encoding: chunked", FOUR, "1.0"),
    REFUSED,
  ],
  ["a chunk of negative size", chunked("-1\r\nabcd\r\n0\r\n\r\n"), CLOSED],
  ["a chunk of a size with 0x", chunked("0x4\r\nabcd\r\n0\r\n\r\n"), CLOSED],
  [
    "a chunk of a size beyond 64 bits",
    chunked("fffffffffffffffff\r\nabcd"),
    CLOSED,
  ],
  [
    "a chunk that is longer than its size",
    chunked("4\r\nabcdef\r\n0\r\n\r\n"),
    CLOSED,
  ],
  ["a chunk with an extension", chunked("4;a=b\r\nabcd\r\n0\r\n\r\n"), POSTED],
  ["trailers", chunked("4\r\nabcd\r\n0\r\nContent-Length: 9\r\n\r\n"), POSTED],
  [
    "a request in the body of GET",
    get("Host: h\r\nContent-Length: 36") + get("Host: h", "/smuggled1234"),
    GOT,
  ],
  // Lines: RFC 9112, 2.2 and 5.
  ["a folded header", get("Host: h\r\nX: a\r\n b"), REFUSED],
  ["a blank in the name of a header", get("Host: h\r\nX Y: a"), REFUSED],
  ["CR in a header", get("Host: h\r\nX: a\rb"), REFUSED],
  ["NUL in a header", get("Host: h\r\nX: a\0b"), REFUSED],
  ["lines that end in LF", get("Host: h\r\nX: a\nY: b"), GOT],
  ["a control character in the target", get("Host: h", "/\x01"), REFUSED],
  ["bytes in the target that are not UTF-8", get("Host: h", "/\xe9"), REFUSED],
  ["tabs in the first line", `GET\t/\tHTTP/1.1\r\nHost: h\r\n\r\n`, REFUSED],
  ["HTTP/2.0 in the first line", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", REFUSED],
  ["what is no HTTP", "\x16\x03\x01\x02\0\x01\0\r\n\r\n", REFUSED],
  // The host: RFC 9112, 3.2.
  ["two hosts", get("Host: h\r\nHost: i"), REFUSED],
  ["a host with a path", get("Host: h/x?y"), [
    "400 Bad Request\n",
    NEXT_ANSWER,
  ]],
  ["a host with a user", get("Host: u@h"), ["400 Bad Request\n", NEXT_ANSWER]],
  ["no host", get("X: a"), GOT],
  // Sizes.
  ["100 headers", get(`Host: h${"\r\nX: a".repeat(99)}`), GOT],
  ["301 headers", get(`Host: h${"\r\nX: a".repeat(300)}`), REFUSED],
  ["a header of 60 kB", get(`Host: h\r\nX: ${"a".repeat(60_000)}`), GOT],
  ["a header of 200 kB", get(`Host: h\r\nX: ${"a".repeat(200_000)}`), REFUSED],
  ["a target of 70 kB", get("Host: h", `/${"a".repeat(70_000)}`), REFUSED],
];

for (const way of WAYS) {
  for (const [name, request, answers] of CASES) {
    Deno.test({
      name: `${way}: ${name}`,
      timeout: 20_000,
      async fn() {
        await using serving = serve(way, application, { quiet: true });
        using client = await Client.connect(serving.port);
        // The server may have closed it before all was sent.
        await client.send(request + NEXT).catch(() => {});
        const received = parseAnswers(await client.readAll());
        assertEquals(
          received.map(({ status, body }) => `${status} ${body}`.trimEnd()),
          answers.map((answer) => answer.trimEnd()),
        );
        assertEquals(framesOf(serving.log), []);
      },
    });
  }

  Deno.test({
    name: `${way}: who sends its head slowly waits alone`,
    timeout: 20_000,
    async fn() {
      await using serving = serve(way, application, { quiet: true });
      using slow = await Client.connect(serving.port);
      for (const text of ["GET / HT", "TP/1.1\r\nHo", "st: h\r\n"]) {
        await slow.send(text);
        assertEquals((await ask(serving.port, NEXT)).status, 200);
      }
      await slow.send("\r\n");
      assertEquals((await slow.readResponse()).body, "GET / 0");
    },
  });
}

Deno.test("docs/security.md names tests that are there", async () => {
  const root = new URL("..", import.meta.url);
  const page = await Deno.readTextFile(new URL("docs/security.md", root));
  const named = page.matchAll(/`(tests\/\w+\.ts)`:\s+([^|.]+?)(?:\s+\||[,.])/g);
  let count = 0;
  for (const [, path = "", words = ""] of named) {
    const file = await Deno.readTextFile(new URL(path, root));
    const plain = (text: string) => text.replaceAll(/\s+/g, " ");
    assertStringIncludes(plain(file), plain(words));
    count++;
  }
  assertEquals(count, 23);
});
