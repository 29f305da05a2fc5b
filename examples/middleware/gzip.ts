// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Compresses text for clients that take gzip, block by block.
 *
 * @module
 */

import { acceptsEncodings } from "@std/http/negotiation";
import {
  type MapResultOptions,
  middleware,
  type MiddlewareHooks,
  type ResponseHead,
} from "@wsgi/wsgiref/middleware";
import type { WsgiApplication } from "@wsgi/wsgiref/types";

const TEXT_REGEXP =
  /^(?:text\/|image\/svg|application\/(?:javascript|json|xml|[\w.-]+\+(?:json|xml))\b)/i;

function isCompressible({ status, headers }: ResponseHead): boolean {
  return TEXT_REGEXP.test(headers.get("Content-Type") ?? "") &&
    !/^(?:1|20[456]|304)/.test(status) &&
    !headers.has("Content-Encoding") &&
    !/\bno-transform\b/i.test(headers.get("Cache-Control") ?? "");
}

/** Deno gives the bytes of each block at once; others may keep some to the end. */
function compressBlocks(): MapResultOptions {
  const { readable, writable } = new CompressionStream("gzip");
  const writer = writable.getWriter();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const collected = readable.pipeTo(
    new WritableStream({ write: (chunk) => void chunks.push(chunk) }),
  );
  const take = () => new Blob(chunks.splice(0)).bytes();
  return {
    async block(block) {
      // Even nothing has a header, which would send the head of the response.
      if (block.length === 0) return;
      await writer.write(block as Uint8Array<ArrayBuffer>);
      return take();
    },
    async end() {
      await writer.close();
      await collected;
      return take();
    },
  };
}

/** Compresses what an application answers with, if that is text. */
export function gzip(app: WsgiApplication): WsgiApplication {
  return middleware(app, (environ) => {
    const { HTTP_ACCEPT_ENCODING: accepted = "" } = environ;
    const headers = new Headers({ "Accept-Encoding": accepted });
    // A client that says nothing is better not surprised.
    const isAccepted = accepted !== "" &&
      acceptsEncodings({ headers }, "gzip", "identity") === "gzip";
    const hooks: MiddlewareHooks = {
      start(response) {
        // An error's response may come in the place of a compressed one.
        delete hooks.block;
        delete hooks.end;
        if (!isCompressible(response)) return;
        const { headers } = response;
        headers.addHeader("Vary", "Accept-Encoding");
        if (!isAccepted) return;
        headers.set("Content-Encoding", "gzip");
        headers.delete("Content-Length");
        headers.delete("Accept-Ranges");
        // The bytes may differ from one time to the next: RFC 9110, 8.8.1.
        const etag = headers.get("ETag");
        if (etag?.startsWith('"')) headers.set("ETag", `W/${etag}`);
        if (environ.REQUEST_METHOD !== "HEAD") {
          Object.assign(hooks, compressBlocks());
        }
      },
    };
    return hooks;
  });
}
