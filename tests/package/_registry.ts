// Copyright 2026 the wsgiref authors. MIT license.

/** A JSR registry with this package and those that it depends on. */

import denoConfig from "../../deno.json" with { type: "json" };
import { ROOT } from "./_package.ts";

const MEDIA_TYPES: Record<string, string> = {
  js: "text/javascript",
  json: "application/json",
  ts: "application/typescript",
};

/** The text of a file as `deno publish` rewrites its imports. */
async function readFile(url: URL): Promise<string> {
  const text = await Deno.readTextFile(url);
  return text.replace(
    /"(@std\/\w+)(\/[\w-]+)?"/g,
    (_all, name: string, path = "") => `"jsr:${name}@^1${path}"`,
  );
}

/** Describes a file as the manifest of a version does. */
async function describe(url: URL): Promise<{ size: number; checksum: string }> {
  const bytes = new TextEncoder().encode(await readFile(url));
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  const checksum = `sha256-${new Uint8Array(digest).toHex()}`;
  return { size: bytes.length, checksum };
}

interface Package {
  directory: URL;
  version: string;
  exports: Record<string, string>;
}

async function readPackages(): Promise<Map<string, Package>> {
  const packages = new Map<string, Package>();
  for (const member of [".", ...denoConfig.workspace]) {
    const directory = new URL(`${member}/`, ROOT);
    const text = await Deno.readTextFile(new URL("deno.json", directory));
    const { name, version, exports } = JSON.parse(text);
    packages.set(name, { directory, version, exports });
  }
  return packages;
}

/** Answers a request for a path of a package. */
async function answer(item: Package, path: string): Promise<Response> {
  const { directory, version, exports } = item;
  if (path === "meta.json") {
    return Response.json({ versions: { [version]: {} } });
  }
  if (path === `${version}_meta.json`) {
    const manifest: Record<string, unknown> = {};
    for await (const { name, isFile } of Deno.readDir(directory)) {
      if (!isFile || name.startsWith(".")) continue;
      manifest[`/${name}`] = await describe(new URL(name, directory));
    }
    return Response.json({ exports, manifest });
  }
  const name = path.slice(version.length + 1);
  const type = MEDIA_TYPES[name.split(".").at(-1) ?? ""] ?? "text/plain";
  return new Response(await readFile(new URL(name, directory)), {
    headers: { "Content-Type": type },
  });
}

/** Serves the registry. `JSR_URL` tells Deno of it. */
export async function serveRegistry(): Promise<Deno.HttpServer<Deno.NetAddr>> {
  const packages = await readPackages();
  return Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => {
      const [, scope, name, ...path] = new URL(request.url).pathname.split("/");
      const item = packages.get(`${scope}/${name}`);
      return item === undefined
        ? new Response(null, { status: 404 })
        : answer(item, path.join("/"));
    },
  );
}
