// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Serves the files of a directory: with types, validators, ranges and `HEAD`,
 * and nothing from outside of it.
 *
 * ```sh
 * deno run -N -R=. examples/file_server.ts [DIRECTORY] [PORT]
 * ```
 *
 * @module
 */

import { eTag, ifNoneMatch } from "@std/http/etag";
import { ByteSliceStream } from "@std/streams/byte-slice-stream";
import { formatDateTime } from "@wsgi/wsgiref/handlers";
import { makeServer } from "@wsgi/wsgiref/simple-server";
import type {
  WsgiApplication,
  WsgiEnviron,
  WsgiHeader,
} from "@wsgi/wsgiref/types";
import {
  decodeNativeString,
  FileWrapper,
  requestUri,
} from "@wsgi/wsgiref/util";
import { extname, sep } from "node:path";

const TYPES: Partial<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".gif": "image/gif",
  ".html": "text/html; charset=utf-8",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".md": "text/markdown; charset=utf-8",
  ".pdf": "application/pdf",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webp": "image/webp",
  ".xml": "application/xml",
};

/** The errors of a path that leads nowhere. */
const NOWHERE = ["EACCES", "ELOOP", "ENAMETOOLONG", "ENOENT", "ENOTDIR"];

/** Something in the directory. */
interface Entry {
  path: string;
  info: Deno.FileInfo;
}

/** Finds what a path leads to, unless that is outside of `root`. */
async function find(root: string, path: string): Promise<Entry | null> {
  // Windows takes backslashes for slashes. No file has a NUL in its name.
  if (/[\0\\]|\/\.\.(?:\/|$)/.test(path)) return null;
  try {
    // Links are followed, so that one to the outside shows.
    const real = await Deno.realPath(root + path);
    if (!`${real}${sep}`.startsWith(root)) return null;
    return { path: real, info: await Deno.stat(real) };
  } catch (error) {
    if (NOWHERE.includes((error as { code?: string }).code ?? "")) return null;
    throw error;
  }
}

/** Whether the client has the file already: RFC 9110, 13.2.2. */
function isFresh(
  environ: WsgiEnviron,
  etag: string | undefined,
  modified: string,
): boolean {
  const { HTTP_IF_NONE_MATCH: tags, HTTP_IF_MODIFIED_SINCE: since } = environ;
  return tags === undefined
    ? since !== undefined && Date.parse(modified) <= Date.parse(since)
    : !ifNoneMatch(tags, etag);
}

/** The first and the last byte that are asked for; `null` for all. */
function parseRange(
  environ: WsgiEnviron,
  size: number,
  modified: string,
): [first: number, last: number] | null {
  const { HTTP_RANGE: range = "", HTTP_IF_RANGE: condition } = environ;
  // Several ranges may be answered with the whole: RFC 9110, 14.2.
  const [, first, last] = /^bytes=(\d*)-(\d*)$/i.exec(range) ?? [];
  if (first === undefined || last === undefined || first + last === "") {
    return null;
  }
  // An entity tag made of time and size is too weak for a range.
  if (condition !== undefined && condition !== modified) return null;
  if (first === "") return [Math.max(0, size - Number(last)), size - 1];
  if (last !== "" && Number(last) < Number(first)) return null;
  return [Number(first), Math.min(Number(last || Infinity), size - 1)];
}

/**
 * Makes an application that serves the files of a directory.
 *
 * @param directory The path of the directory.
 * @returns The application.
 */
export function fileServer(directory: string): WsgiApplication {
  const real = Deno.realPathSync(directory);
  const root = real.endsWith(sep) ? real : real + sep;
  return async (environ, startResponse) => {
    const answer = (status: string, ...headers: WsgiHeader[]) => {
      startResponse(status, [
        ["Content-Type", "text/plain; charset=utf-8"],
        ...headers,
      ]);
      return [new TextEncoder().encode(`${status}\n`)];
    };
    const method = environ.REQUEST_METHOD;
    if (method !== "GET" && method !== "HEAD") {
      return answer("405 Method Not Allowed", ["Allow", "GET, HEAD"]);
    }

    const path = decodeNativeString(environ.PATH_INFO ?? "");
    let entry = await find(root, path);
    if (entry?.info.isDirectory) {
      if (!path.endsWith("/")) {
        const uri = requestUri(environ, { includeQuery: false });
        return answer("301 Moved Permanently", ["Location", `${uri}/`]);
      }
      entry = await find(root, `${path}index.html`);
    }
    if (!entry?.info.isFile) return answer("404 Not Found");

    const { size } = entry.info;
    const etag = await eTag(entry.info);
    const modified = formatDateTime((entry.info.mtime?.getTime() ?? 0) / 1000);
    const headers: WsgiHeader[] = [
      ["Accept-Ranges", "bytes"],
      ["Last-Modified", modified],
    ];
    if (etag !== undefined) headers.push(["ETag", etag]);
    if (isFresh(environ, etag, modified)) {
      startResponse("304 Not Modified", headers);
      return [];
    }

    const range = method === "GET" ? parseRange(environ, size, modified) : null;
    const [first, last] = range ?? [0, size - 1];
    if (range && first > last) {
      const none = `bytes */${size}`;
      return answer("416 Range Not Satisfiable", ["Content-Range", none]);
    }
    headers.push(
      [
        "Content-Type",
        TYPES[extname(entry.path).toLowerCase()] ?? "application/octet-stream",
      ],
      ["Content-Length", String(last - first + 1)],
    );
    if (range) {
      headers.push(["Content-Range", `bytes ${first}-${last}/${size}`]);
    }
    startResponse(range ? "206 Partial Content" : "200 OK", headers);
    if (method === "HEAD") return [];

    const file = await Deno.open(entry.path);
    if (!range) return new FileWrapper(file);
    await file.seek(first, Deno.SeekMode.Start);
    return file.readable.pipeThrough(new ByteSliceStream(0, last - first));
  };
}

if (import.meta.main) {
  const [directory = ".", port = "8000"] = Deno.args;
  await using server = makeServer("", Number(port), fileServer(directory), {
    // deno-lint-ignore no-console
    onListen: ({ port }) => console.log(`Serving ${directory} on port ${port}`),
  });
  await server.serveForever();
}
