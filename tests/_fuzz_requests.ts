// Copyright 2026 the wsgiref authors. MIT license.

/** Requests as clients should not send them. */

import type { Random } from "./_random.ts";

/** What requests are made of. `TAG` stands for that of the connection. */
const SEEDS = [
  "GET / HTTP/1.1\r\nHost: h\r\nX-Tag: TAG\r\n\r\n",
  "GET /a%20b/TAG?c=%C3%A9 HTTP/1.1\r\nHost: h:80\r\nX-Tag: TAG\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n",
  "GET http://example.org:81/x?y HTTP/1.1\r\nHost: h\r\nX-Tag: TAG\r\n\r\n",
  "GET /TAG HTTP/1.0\r\n\r\n",
  "HEAD / HTTP/1.1\r\nHost: h\r\nX-Tag: TAG\r\nConnection: close\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nHost: h\r\nX-Tag: TAG\r\n\r\n",
  "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nX-Tag: TAG\r\n\r\n",
  "POST /TAG HTTP/1.1\r\nHost: h\r\nX-Tag: TAG\r\nContent-Length: 12\r\nContent-Type: text/plain\r\n\r\nTAG12345678\n",
  "POST / HTTP/1.1\r\nHost: h\r\nX-Tag: TAG\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n7;a=b\r\n, world\r\n0\r\nX-Trailer: 1\r\n\r\n",
  "PUT /readable HTTP/1.1\r\nHost: h\r\nX-Tag: TAG\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nHello",
  "POST /line HTTP/1.0\r\nConnection: keep-alive\r\nX-Tag: TAG\r\nContent-Length: 9\r\n\r\none\ntwo\nx",
  "POST /byte HTTP/1.1\r\nHost: [::1]:8000\r\nX-Tag: TAG\r\nContent-Length: 10\r\n\r\n0123456789",
  "POST /stream HTTP/1.1\r\nHost: h\r\nX-Tag: TAG\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 11\r\n\r\nname=TAG&x=",
  "GET / HTTP/1.1\r\nHost: h\r\nX-Tag: TAG\r\nX-Forwarded-For: 192.0.2.1, ::1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: example.org\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Tag: TAG\r\n\r\n",
  "GET /ws HTTP/1.1\r\nHost: h\r\nX_Tag: TAG\r\nX-Tag: TAG\r\nProxy: http://evil/\r\nRange: bytes=0-1\r\n\r\n",
];

/** What is put anywhere. */
const PIECES = [
  ...'\0\t\n\r "%+,/:;?@[\\]_\x7f\x80\xff',
  "\r\n",
  "\r\n\r\n",
  "\n\n",
  "%00",
  "%0d%0a",
  "%zz",
  "%2e%2e%2f",
  "../",
  "//",
  "\xc3\xa9",
  "\xed\xa0\x80",
  "-1",
  "0",
  "0x10",
  "1e3",
  "18446744073709551616",
  "99999999999999999999999",
  "Content-Length: 5\r\n",
  "Content-Length: 7\r\n",
  "Content-Length: +5\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: gzip, chunked\r\n",
  "Host: a, b\r\n",
  "Host: h/x?y\r\n",
  "Host:\r\n",
  " folded\r\n",
  "HTTP/1.0",
  "HTTP/2.0",
  "http://[::1",
  "https://h/",
  "user@h",
  "__proto__: x\r\n",
  "constructor: x\r\n",
  "Connection: close\r\n",
  "Connection: keep-alive\r\n",
  "ffffffff\r\n",
  "0\r\n\r\n",
];

/** Changes a text somewhere. */
function mutate(text: string, random: Random): string {
  const start = random.below(text.length + 1);
  const end = Math.min(text.length, start + 1 + random.below(8));
  const head = text.slice(0, start);
  const tail = text.slice(end);
  const lines = text.split("\r\n");
  const line = random.below(lines.length);
  switch (random.below(10)) {
    case 0:
      return head + tail;
    case 1:
      return head + text.slice(start, end).repeat(2 + random.below(3)) + tail;
    case 2:
      return head + String.fromCharCode(random.below(256)) +
        text.slice(start + 1);
    case 3:
    case 4:
    case 5:
      return head + random.pick(PIECES) + text.slice(start);
    case 6:
      return lines.toSpliced(line, 1).join("\r\n");
    case 7:
      return lines.toSpliced(line, 0, random.pick(lines)).join("\r\n");
    case 8:
      return head + random.pick(PIECES).repeat(random.below(300)) +
        text.slice(start);
    default:
      return head;
  }
}

/** Makes what one client sends: some requests, one after the other. */
export function makeRequests(random: Random, tag: string): string {
  let text = "";
  for (let count = 1 + random.below(3); count > 0; count--) {
    let request = random.pick(SEEDS).replaceAll("TAG", tag);
    for (let times = random.below(4); times > 0; times--) {
      request = mutate(request, random);
    }
    text += request;
  }
  return text;
}

/** What a client can tell of a response. */
export interface Answer {
  status: number;
  body: string;
}

/** Splits what came into responses, the last of which may have been cut. */
export function parseAnswers(received: string): Answer[] {
  const answers: Answer[] = [];
  let rest = received;
  while (rest !== "") {
    const end = rest.indexOf("\r\n\r\n") + 4;
    const [line = "", ...headers] = rest.slice(0, end - 4).split("\r\n");
    const status = Number(/^HTTP\/1\.[01] ([1-5]\d\d) [ -~]+$/.exec(line)?.[1]);
    if (Number.isNaN(status) || end < 4) {
      throw new Error(`This is no response: ${JSON.stringify(rest)}`);
    }
    for (const header of headers) {
      if (!HEADER_REGEXP.test(header)) {
        throw new Error(`This is no header: ${JSON.stringify(header)}`);
      }
    }
    rest = rest.slice(end);
    const body = rest.slice(0, bodyLength(status, headers, rest));
    answers.push({ status, body });
    rest = rest.slice(body.length);
  }
  return answers;
}

// deno-lint-ignore no-control-regex
const HEADER_REGEXP = /^[\w-]+: [^\x00-\x08\x0a-\x1f\x7f]*$/;

function bodyLength(status: number, headers: string[], rest: string): number {
  // Whether the request was HEAD, what follows tells.
  const isNext = /^HTTP\/1\.[01] \d/.test(rest);
  if (status < 200 || status === 204 || status === 304 || isNext) return 0;
  const head = headers.join("\n").toLowerCase();
  if (head.includes("transfer-encoding: chunked")) return chunksLength(rest);
  const length = /^content-length: (\d+)$/m.exec(head)?.[1];
  return length === undefined ? rest.length : Number(length);
}

function chunksLength(text: string): number {
  let index = 0;
  while (index < text.length) {
    const line = /^([\da-f]+)\r\n/i.exec(text.slice(index, index + 20));
    if (line === null) break;
    const size = parseInt(line[1] ?? "", 16);
    index += line[0].length + size + 2;
    if (size === 0) break;
  }
  return Math.min(index, text.length);
}
