// Copyright 2026 the wsgiref authors. MIT license.
// deno-lint-ignore-file no-console

/**
 * A CGI script for large bodies, whose `PATH_TRANSLATED` is a large file. On
 * stderr it tells the most memory that it held, in kilobytes.
 *
 * @module
 */

import { CgiHandler } from "../../handlers.ts";
import type { WsgiApplication } from "../../types.ts";

function* generate(
  size: number,
  makeBlock: () => Uint8Array,
): Generator<Uint8Array> {
  for (let sent = 0; sent < size; sent += 65_536) yield makeBlock();
}

const block = new Uint8Array(65_536);

const app: WsgiApplication = async (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  const path = environ.PATH_TRANSLATED as string;
  const { size } = await Deno.stat(path);
  switch (environ.PATH_INFO) {
    case "/same-block":
      return generate(size, () => block);
    case "/new-blocks":
      return generate(size, () => new Uint8Array(65_536));
    case "/file":
      return environ["wsgi.file_wrapper"]?.(await Deno.open(path)) ?? [];
    case "/upload": {
      let size = 0;
      for await (const chunk of environ["wsgi.input"].readable) {
        size += chunk.length;
      }
      return [new TextEncoder().encode(String(size))];
    }
    default:
      return [new TextEncoder().encode("Hello, world!")];
  }
};

await new CgiHandler().run(app);
const status = await Deno.readTextFile("/proc/self/status");
console.error(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]);
