// Copyright 2026 the wsgiref authors. MIT license.

import {
  assertEquals,
  assertFalse,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { fileServer } from "../examples/file_server.ts";
import { toFetchHandler } from "../handlers.ts";
import { makeServer } from "../simple_server.ts";
import { validator } from "../validate.ts";
import { exchange } from "./_client.ts";
import { within } from "./_limit.ts";
import { start } from "./_started.ts";

const TEXT = "0123456789";
const MTIME = new Date("2026-01-02T03:04:05Z");
const MODIFIED = "Fri, 02 Jan 2026 03:04:05 GMT";

/** A directory to serve, within one that holds what must not be served. */
async function makeDirectory(): Promise<AsyncDisposable & { path: string }> {
  const outside = await Deno.makeTempDir();
  const path = `${outside}/public`;
  await Deno.mkdir(`${path}/sub/empty`, { recursive: true });
  await Deno.mkdir(`${path}/d.ir`);
  await Deno.mkdir(`${outside}/public-not`);
  const files = {
    "secret.txt": "secret",
    "public-not/secret.txt": "secret",
    "public/a.txt": TEXT,
    "public/b c%41.TXT": "percent",
    "public/empty.css": "",
    "public/index.html": "<h1>index</h1>",
    "public/name": "no extension",
    "public/sub/index.html": "<h1>sub</h1>",
    "public/x.unknown": "unknown",
    "public/é あ.txt": "utf-8",
    "public/...": "dots",
  };
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${outside}/${name}`, text);
    await Deno.utime(`${outside}/${name}`, MTIME, MTIME);
  }
  await Deno.symlink("../secret.txt", `${path}/link-out`);
  await Deno.symlink("../public-not", `${path}/link-not`);
  await Deno.symlink("a.txt", `${path}/link-in.txt`);
  await Deno.symlink("loop", `${path}/loop`);
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(outside, { recursive: true }),
  };
}

/** Asks for a target that no URL parser has seen. */
async function get(
  port: number,
  target: string,
): Promise<[status: string | undefined, body: string | undefined]> {
  const response = await exchange(
    port,
    `GET ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`,
  );
  const [head = "", body] = response.split("\r\n\r\n");
  return [head.split(" ")[1], body];
}

Deno.test("fileServer() serves what is in its directory, and nothing else", async () => {
  await using directory = await makeDirectory();
  await using server = makeServer("127.0.0.1", 0, fileServer(directory.path), {
    quiet: true,
  });
  server.serveForever();
  const table: [target: string, status: number, body?: string][] = [
    ["/", 200, "<h1>index</h1>"],
    ["/a.txt", 200, TEXT],
    ["/a.txt?query", 200, TEXT],
    ["/a.txt/", 404],
    ["/sub/index.html/", 404],
    ["/%61.txt", 200, TEXT],
    ["//a.txt", 200, TEXT],
    ["/./a.txt", 200, TEXT],
    ["/link-in.txt", 200, TEXT],
    ["/name", 200, "no extension"],
    ["/x.unknown", 200, "unknown"],
    ["/empty.css", 200, ""],
    ["/...", 200, "dots"],
    ["/sub/", 200, "<h1>sub</h1>"],
    ["/%C3%A9%20%E3%81%82.txt", 200, "utf-8"],
    ["/b%20c%2541.TXT", 200, "percent"],
    ["/b%20c%41.TXT", 404],
    ["/missing", 404],
    ["/a.txt/", 404],
    ["/a.txt/b", 404],
    ["/sub/missing/", 404],
    ["/%E9", 404],
    ["/a.txt%00", 404],
    ["/%00", 404],
    ["/loop", 404],
    [`/${"x".repeat(300)}`, 404],
    ["/../secret.txt", 404],
    ["/sub/../a.txt", 404],
    ["/sub/..", 404],
    ["/%2e%2e/secret.txt", 404],
    ["/..%2fsecret.txt", 404],
    ["/..\\secret.txt", 404],
    ["/..%5Csecret.txt", 404],
    ["/../public-not/secret.txt", 404],
    ["/%252e%252e/secret.txt", 404],
    ["/link-out", 404],
    ["/link-not/secret.txt", 404],
    [`/%2F${directory.path.slice(1)}/../secret.txt`, 404],
    ["//etc/passwd", 404],
    ["/%2Fetc/passwd", 404],
  ];
  for (const [target, status, body = "404 Not Found\n"] of table) {
    assertEquals(
      [target, ...await get(server.serverPort, target)],
      [target, String(status), body],
    );
  }
});

Deno.test("fileServer() redirects to the slash of a directory, on the same host", async () => {
  await using directory = await makeDirectory();
  const handler = toFetchHandler(fileServer(directory.path));
  const table = [
    ["http://h/sub", "http://h/sub/"],
    ["http://h:8000/d.ir?a=b", "http://h:8000/d.ir/"],
    ["http://h//sub", "http://h//sub/"],
  ] as const;
  for (const [url, location] of table) {
    const response = await handler(new Request(url));
    assertEquals(response.status, 301);
    assertEquals(response.headers.get("location"), location);
    await response.body?.cancel();
  }
});

Deno.test("fileServer() tells type, length, time and entity tag", async () => {
  await using directory = await makeDirectory();
  const handler = toFetchHandler(fileServer(directory.path));
  const table = [
    ["a.txt", "text/plain; charset=UTF-8", "10"],
    ["b%20c%2541.TXT", "text/plain; charset=UTF-8", "7"],
    ["empty.css", "text/css; charset=UTF-8", "0"],
    ["name", "application/octet-stream", "12"],
    ["x.unknown", "application/octet-stream", "7"],
    ["", "text/html; charset=UTF-8", "14"],
  ];
  for (const method of ["GET", "HEAD"]) {
    for (const [name, type, length] of table) {
      const response = await handler(
        new Request(`http://h/${name}`, { method }),
      );
      const { "etag": etag, ...headers } = Object.fromEntries(response.headers);
      assertMatch(etag ?? "", /^W\/"[^"]+"$/);
      assertEquals([response.status, headers], [200, {
        "accept-ranges": "bytes",
        "content-length": length,
        "content-type": type,
        "last-modified": MODIFIED,
      }]);
      const { byteLength } = await response.arrayBuffer();
      assertEquals(byteLength, method === "HEAD" ? 0 : Number(length));
    }
  }
});

Deno.test("fileServer() lists a directory that has no index.html", async () => {
  await using directory = await makeDirectory();
  const path = `${directory.path}/sub/empty`;
  const files = ["a.txt", "10.txt", "9.txt", 'q"?#&%20<b>.txt', "é あ:"];
  for (const name of files) {
    await Deno.writeFile(`${path}/${name}`, new Uint8Array(12_345));
    await Deno.utime(`${path}/${name}`, MTIME, MTIME);
  }
  await Deno.mkdir(`${path}/z`);
  await Deno.symlink("../../../secret.txt", `${path}/link-out`);
  await Deno.symlink("../../a.txt", `${path}/link-in`);
  await Deno.symlink("nowhere", `${path}/link-broken`);
  const handler = toFetchHandler(validator(fileServer(directory.path)));
  const response = await handler(new Request("http://h/sub/empty/"));
  assertEquals(response.status, 200);
  assertEquals(
    response.headers.get("content-type"),
    "text/html; charset=utf-8",
  );
  const page = await response.text();
  assertStringIncludes(page, "<h1>/sub/empty/</h1>");
  const links = [...page.matchAll(/<a href="([^"]*)">(.*?)<\/a>/g)]
    .map(([_link, href, text]) => [href, text]);
  assertEquals(links, [
    ["../", "../"],
    ["z/", "z/"],
    ["9.txt", "9.txt"],
    ["10.txt", "10.txt"],
    ["a.txt", "a.txt"],
    ["%C3%A9%20%E3%81%82%3A", "é あ:"],
    ["link-in", "link-in"],
    [
      "q%22%3F%23%26%2520%3Cb%3E.txt",
      "q&quot;?#&amp;%20&lt;b&gt;.txt",
    ],
  ]);
  assertMatch(
    page,
    /a\.txt<\/a><\/td>\s*<td>12\.3 kB<\/td>\s*<td><time datetime="2026-01-02T03:04:05\.000Z">2026-01-02 03:04<\/time>/,
  );
  for (const [href = ""] of links) {
    const url = new URL(href, "http://h/sub/empty/");
    const linked = await handler(new Request(url));
    assertEquals([href, linked.status], [href, 200]);
    await linked.body?.cancel();
  }
});

Deno.test("fileServer() lists the directory that it serves without a link to the parent", async () => {
  const path = await Deno.makeTempDir();
  try {
    const handler = toFetchHandler(fileServer(path), { scriptName: "/files" });
    const response = await handler(new Request("http://h/files/"));
    const page = await response.text();
    assertStringIncludes(page, "<h1>/files/</h1>");
    assertFalse(page.includes("<a "));
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});

Deno.test("examples/file_server.ts listens where it is told to, by default at 127.0.0.1", async () => {
  await using directory = await makeDirectory();
  for (const [host, args] of [["127.0.0.1", []], ["[::1]", ["--host=::1"]]]) {
    await using program = await start([
      "-N",
      `-R=${directory.path}`,
      "examples/file_server.ts",
      directory.path,
      "--port=0",
      ...args ?? [],
    ]);
    assertEquals(program.url.hostname, host);
    const fetching = fetch(new URL("a.txt", program.url));
    const response = await within("It answers", fetching);
    assertEquals(await response.text(), TEXT);
  }
});

Deno.test("fileServer() answers conditional and range requests", async () => {
  await using directory = await makeDirectory();
  const handler = toFetchHandler(validator(fileServer(directory.path)));
  const request = (headers: HeadersInit, method = "GET") =>
    handler(new Request("http://h/a.txt", { headers, method }));
  const whole = await request({});
  const etag = whole.headers.get("etag") ?? "";
  await whole.body?.cancel();
  const earlier = new Date(MTIME.getTime() - 1000).toUTCString();
  const table: [
    headers: Record<string, string>,
    status: number,
    body: string,
    range?: string,
  ][] = [
    [{ "if-none-match": etag }, 304, ""],
    [{ "if-none-match": `"x", ${etag}` }, 304, ""],
    [{ "if-none-match": "*" }, 304, ""],
    [{ "if-none-match": '"x"' }, 200, TEXT],
    [{ "if-modified-since": MODIFIED }, 304, ""],
    [{ "if-modified-since": earlier }, 200, TEXT],
    [{ "if-modified-since": "yesterday" }, 200, TEXT],
    [{ "if-none-match": '"x"', "if-modified-since": MODIFIED }, 200, TEXT],
    [{ range: "bytes=0-0" }, 206, "0", "bytes 0-0/10"],
    [{ range: "bytes=2-4" }, 206, "234", "bytes 2-4/10"],
    [{ range: "Bytes=7-" }, 206, "789", "bytes 7-9/10"],
    [{ range: "bytes=7-99" }, 206, "789", "bytes 7-9/10"],
    [{ range: "bytes=-3" }, 206, "789", "bytes 7-9/10"],
    [{ range: "bytes=-99" }, 206, TEXT, "bytes 0-9/10"],
    [
      { range: "bytes=10-" },
      416,
      "416 Range Not Satisfiable\n",
      "bytes */10",
    ],
    [
      { range: `bytes=${"9".repeat(400)}-` },
      416,
      "416 Range Not Satisfiable\n",
      "bytes */10",
    ],
    [{ range: "bytes=-0" }, 416, "416 Range Not Satisfiable\n", "bytes */10"],
    [{ range: "bytes=4-2" }, 200, TEXT],
    [{ range: "bytes=-" }, 200, TEXT],
    [{ range: "bytes=0-1,3-4" }, 200, TEXT],
    [{ range: "bytes=a-b" }, 200, TEXT],
    [{ range: "lines=0-1" }, 200, TEXT],
    [{ range: "bytes=0-0", "if-range": MODIFIED }, 206, "0", "bytes 0-0/10"],
    [{ range: "bytes=0-0", "if-range": earlier }, 200, TEXT],
    [{ range: "bytes=0-0", "if-range": etag }, 200, TEXT],
    [{ range: "bytes=0-0", "if-none-match": etag }, 304, ""],
  ];
  for (const [headers, status, body, range = null] of table) {
    const response = await request(headers);
    const length = response.headers.get("content-length");
    assertEquals(
      [headers, response.status, await response.text()],
      [headers, status, body],
    );
    assertEquals(response.headers.get("content-range"), range);
    assertEquals(length, status === 304 ? null : String(body.length));
  }
  const head = await request({ range: "bytes=0-0" }, "HEAD");
  assertEquals([head.status, head.headers.get("content-length")], [200, "10"]);
});

Deno.test("fileServer() answers GET and HEAD only", async () => {
  await using directory = await makeDirectory();
  const handler = toFetchHandler(fileServer(directory.path));
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const response = await handler(
      new Request("http://h/a.txt", { method }),
    );
    assertEquals(response.status, 405);
    assertEquals(response.headers.get("allow"), "GET, HEAD");
    assertEquals(await response.text(), "405 Method Not Allowed\n");
  }
});

Deno.test("fileServer() closes a file whose client goes away", async () => {
  await using directory = await makeDirectory();
  await Deno.writeFile(`${directory.path}/big`, new Uint8Array(1_000_000));
  const handler = toFetchHandler(fileServer(directory.path));
  // A file left open would fail the test: resources are counted.
  for (const range of ["", "bytes=1-999998"]) {
    const response = await handler(
      new Request("http://h/big", { headers: range ? { range } : {} }),
    );
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
  }
});
