// Copyright 2026 the wsgiref authors. MIT license.

/** A program that serves, until it is disposed of. */

import { TextLineStream } from "@std/streams/text-line-stream";
import { within } from "./_limit.ts";

const ROOT = new URL("../", import.meta.url);

/** The milliseconds in which a program must say where it listens. */
const START_LIMIT = 20_000;

/** A program that listens. */
export interface Started extends AsyncDisposable {
  /** Where it says that it listens. */
  url: URL;
}

/**
 * Runs a program in the root of the package, and waits until it tells where it
 * listens.
 *
 * @param args The arguments of `deno run`.
 */
export async function start(args: string[]): Promise<Started> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const lines = process.stdout
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream())
    .getReader();
  const end = async () => {
    try {
      process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await lines.cancel();
    await process.status;
  };
  try {
    const { value: line = "" } = await within(
      `deno run ${args.join(" ")} tells where it listens`,
      lines.read(),
      START_LIMIT,
    );
    const url = new URL(/http:\S+$/.exec(line)?.[0] ?? "");
    return { url, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}
