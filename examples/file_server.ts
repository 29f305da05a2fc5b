// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Serves the files of a directory: with types, validators, ranges and `HEAD`,
 * a page for each directory without an `index.html`, and nothing from outside
 * of it.
 *
 * ```sh
 * deno run -N -R=DIRECTORY examples/file_server.ts DIRECTORY --port 8000
 * ```
 *
 * Only this machine can connect to it, unless it is given another host.
 *
 * @module
 */

import { eTag, ifNoneMatch } from "@std/http/etag";
import { STATUS_TEXT, type StatusCode } from "@std/http/status";
import { contentType } from "@std/media-types/content-type";
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
import { parseArgs } from "node:util";
import { type DirectoryEntry, directoryPage } from "./_directory_page.ts";

/** The errors of a path that leads nowhere. */
const NOWHERE = ["EACCES", "ELOOP", "ENAMETOOLONG", "ENOENT", "ENOTDIR"];

/** Something in the directory. */
interface Entry {
  path: string;
  info: Deno.FileInfo;
}

/** Waits for what a path leads to, `null` if that is nowhere. */
async function orNull<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch (error) {
    if (NOWHERE.includes((error as { code?: string }).code ?? "")) return null;
    throw error;
  }
}

/** Finds what a path leads to, unless that is outside of `root`. */
async function find(root: string, path: string): Promise<Entry | null> {
  // Windows takes backslashes for slashes. No file has a NUL in its name.
  if (/[\0\\]|\/\.\.(?:\/|$)/.test(path)) return null;
  // Links are followed, so that one to the outside shows.
  const real = await orNull(Deno.realPath(root + path));
  if (real === null || !`${real}${sep}`.startsWith(root)) return null;
  const info = await orNull(Deno.stat(real));
  // Nothing is below a file, and relative links would lead elsewhere there.
  if (info === null || path.endsWith("/") && !info.isDirectory) return null;
  return { path: real, info };
}

/** Lists what can be served of a directory. */
async function list(
  root: string,
  path: string,
): Promise<DirectoryEntry[] | null> {
  const names = await orNull(Array.fromAsync(Deno.readDir(root + path)));
  const entries = names?.map(async ({ name }) => {
    const entry = await find(root, path + name);
    return entry ? [{ name, ...entry.info }] : [];
  });
  return entries ? (await Promise.all(entries)).flat() : null;
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
    const answer = (code: StatusCode, ...headers: WsgiHeader[]) => {
      const status = `${code} ${STATUS_TEXT[code]}`;
      startResponse(status, [
        ["Content-Type", "text/plain; charset=utf-8"],
        ...headers,
      ]);
      return [new TextEncoder().encode(`${status}\n`)];
    };
    const method = environ.REQUEST_METHOD;
    if (method !== "GET" && method !== "HEAD") {
      return answer(405, ["Allow", "GET, HEAD"]);
    }

    const path = decodeNativeString(environ.PATH_INFO ?? "");
    let entry = await find(root, path);
    if (entry?.info.isDirectory) {
      if (!path.endsWith("/")) {
        const uri = requestUri(environ, { includeQuery: false });
        return answer(301, ["Location", `${uri}/`]);
      }
      entry = await find(root, `${path}index.html`);
      const entries = entry ? null : await list(root, path);
      if (entries) {
        const title = decodeNativeString(environ.SCRIPT_NAME ?? "") + path;
        const page = directoryPage(title, entries, {
          hasParent: !/^\/+$/.test(path),
        });
        startResponse("200 OK", [["Content-Type", "text/html; charset=utf-8"]]);
        return [new TextEncoder().encode(page)];
      }
    }
    if (!entry?.info.isFile) return answer(404);

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
      return answer(416, ["Content-Range", none]);
    }
    headers.push(
      [
        "Content-Type",
        contentType(extname(entry.path)) ?? "application/octet-stream",
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
  const { values, positionals: [directory = "."] } = parseArgs({
    allowPositionals: true,
    options: {
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string", default: "8000" },
    },
  });
  const app = fileServer(directory);
  await using server = makeServer(values.host, Number(values.port), app, {
    onListen({ hostname = "", port }) {
      const host = hostname.includes(":") ? `[${hostname}]` : hostname;
      // deno-lint-ignore no-console
      console.log(`Serving ${directory} on http://${host}:${port}/`);
    },
  });
  await server.serveForever();
}
