// Copyright 2026 the wsgiref authors. MIT license.

/** This package as Node's users install it. */

import denoConfig from "../../deno.json" with { type: "json" };
import { installPackages, run } from "../_npm.ts";

export const ROOT = new URL("../../", import.meta.url);

/** The names to import the entry points by. */
export const ENTRY_POINTS: string[] = Object.keys(denoConfig.exports)
  .map((path) => denoConfig.name + path.slice(1));

/** Installs this package, what it depends on, and other packages. */
export async function installThis(
  directory: string,
  dependencies: Record<string, string>,
): Promise<void> {
  await installPackages(directory, {
    ...dependencies,
    "deno-std": "1.4.0",
  });
  const modules = `${directory}/node_modules`;
  const archive = `${directory}/package.tgz`;
  const root = ROOT.pathname;
  await run(
    Deno.execPath(),
    ["pack", "--allow-dirty", "--output", archive],
    root,
  );
  const own = `${modules}/${denoConfig.name}`;
  await Deno.mkdir(own, { recursive: true });
  await run("tar", ["-xzf", archive, "--strip-components=1"], own);
  for (const member of denoConfig.workspace) {
    await installMember(modules, new URL(member + "/", ROOT));
  }
}

/** Installs what stands in for a package of Deno's standard library. */
async function installMember(modules: string, source: URL): Promise<void> {
  const text = await Deno.readTextFile(new URL("deno.json", source));
  const { name, version, exports } = JSON.parse(text);
  const target = `${modules}/${name}`;
  await Deno.mkdir(target, { recursive: true });
  await Deno.writeTextFile(
    `${target}/package.json`,
    JSON.stringify({ name, version, exports, type: "module" }),
  );
  for await (const { name: file } of Deno.readDir(source)) {
    if (file === "deno.json") continue;
    const code = await Deno.readTextFile(new URL(file, source));
    await Deno.writeTextFile(
      `${target}/${file}`,
      code.replace(/npm:(deno-std)@[\d.]+/g, "$1"),
    );
  }
}
