// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Measures whole CGI requests, from the start of the process to its exit.
 *
 * ```sh
 * deno run -A bench/cgi.ts --runs 40
 * ```
 *
 * @module
 */

// deno-lint-ignore-file no-console

import { parseArgs } from "node:util";
import { createFolder, median } from "./measure.ts";

const MIB = 2 ** 20;
const SIZE = 1024 * MIB;

const VARIABLES = {
  GATEWAY_INTERFACE: "CGI/1.1",
  REQUEST_METHOD: "GET",
  SCRIPT_NAME: "/cgi-bin/hello",
  PATH_INFO: "/",
  QUERY_STRING: "",
  SERVER_NAME: "localhost",
  SERVER_PORT: "80",
  SERVER_PROTOCOL: "HTTP/1.1",
  HTTP_HOST: "localhost",
};

const PYTHON_SCRIPT = `
from wsgiref.handlers import CGIHandler

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"Hello, world!"]

CGIHandler().run(app)
`;

/** What a script answers. It fails if the script does. */
function answer([program = "", ...args]: string[]): string {
  const command = new Deno.Command(program, { args, env: VARIABLES });
  // Deno processes share their caches: this one must be at rest meanwhile.
  const { success, stdout, stderr } = command.outputSync();
  if (success) return new TextDecoder().decode(stdout);
  throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
}

function compareTimes(runs: number, folder: string): void {
  const deno = [Deno.execPath(), "run"];
  const script = [
    ...deno,
    "--allow-env",
    `${import.meta.dirname}/../examples/cgi.ts`,
  ];
  const response = answer(script);
  Deno.writeTextFileSync(
    `${folder}/bare.ts`,
    `Deno.stdout.writeSync(new TextEncoder().encode(${
      JSON.stringify(response)
    }));`,
  );
  Deno.writeTextFileSync(`${folder}/hello.py`, PYTHON_SCRIPT);
  const contestants: Record<string, string[]> = {
    "CgiHandler": script,
    "bare script": [...deno, `${folder}/bare.ts`],
    "CGIHandler, /usr/bin/python3": ["/usr/bin/python3", `${folder}/hello.py`],
    "CGIHandler, env python3": [
      "/usr/bin/env",
      "python3",
      `${folder}/hello.py`,
    ],
  };
  const times: Record<string, number[]> = {};
  for (let run = 0; run < runs; run++) {
    for (const [name, command] of Object.entries(contestants)) {
      const start = performance.now();
      const output = answer(command);
      (times[name] ??= []).push(performance.now() - start);
      if (output !== response) throw new Error(`${name} answers ${output}`);
    }
  }
  const own = median(times.CgiHandler ?? []);
  console.log(`Hello, world: median of ${runs} runs, in turns`);
  for (const [name, values] of Object.entries(times)) {
    const time = median(values);
    const ratio = (own / time).toFixed(2);
    console.log(
      `${name.padEnd(36)} ${time.toFixed(1).padStart(6)} ms,`,
      `CgiHandler takes ${ratio} of that`,
    );
  }
}

/** Pipes `upload` bytes to a page of the script, and counts what it answers. */
function transfer(path: string, folder: string, upload: number) {
  const start = performance.now();
  const { stdout, stderr } = new Deno.Command("/bin/sh", {
    args: [
      "-c",
      'head -c "$0" /dev/zero | "$@" | wc -c',
      String(upload),
      Deno.execPath(),
      "run",
      "-A",
      `${import.meta.dirname}/servers/cgi.ts`,
    ],
    env: {
      ...VARIABLES,
      PATH_INFO: path,
      PATH_TRANSLATED: `${folder}/file`,
      CONTENT_LENGTH: String(upload),
    },
  }).outputSync();
  const decoder = new TextDecoder();
  return {
    time: performance.now() - start,
    received: Number(decoder.decode(stdout)),
    memory: Number(decoder.decode(stderr)) / 1024,
  };
}

function compareMemory(folder: string): void {
  console.log(`\nPeak memory, ${SIZE / MIB} MiB`);
  const cases: [name: string, path: string, upload: number][] = [
    ["hello world", "/", 0],
    ["download, one block again and again", "/same-block", 0],
    ["download, a new block each time", "/new-blocks", 0],
    ["download, file wrapper", "/file", 0],
    ["upload", "/upload", SIZE],
  ];
  for (const [name, path, upload] of cases) {
    const { time, received, memory } = transfer(path, folder, upload);
    console.log(
      `${name.padEnd(36)} ${memory.toFixed(0).padStart(6)} MiB,`,
      `${time.toFixed(0)} ms, ${received} bytes received`,
    );
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { runs: { type: "string", default: "40" } },
  });
  const folder = await createFolder(SIZE);
  try {
    compareTimes(Number(values.runs), folder);
    compareMemory(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
