// Copyright 2026 the wsgiref authors. MIT license.
// deno-lint-ignore-file no-console -- it is a program

/** What `simple_server.ts` does when it is run. */

import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { quote } from "./_escape.ts";
import { isDigits } from "./_grammar.ts";
import { VERSION } from "./_version.ts";
import { demoApp, makeServer, type WsgiServer } from "./simple_server.ts";
import type { WsgiApplication } from "./types.ts";
import { validator } from "./validate.ts";

const USAGE = `wsgiref ${VERSION}
Serves a WSGI application.

USAGE
  deno run -N jsr:@wsgi/wsgiref/simple-server [OPTIONS] [MODULE[:NAME]]

  MODULE is a file, which needs -R too, or a module of npm: or jsr:. NAME is
  the export to serve, by default "default" or "application". Without MODULE,
  the demo application is served.

  Deno lets programs that come from JSR load no https: module. A checkout of
  this package can: deno run -N -I simple_server.ts https://...

OPTIONS
  --host HOST            The address to listen at (127.0.0.1)
  --port PORT            The port to listen at, 0 for any that is free (8000)
  --unix-socket PATH     Listen at a Unix socket instead; needs -R and -W
  --cert FILE            The certificate chain for HTTPS, in PEM format
  --key FILE             The private key for HTTPS, in PEM format
  --script-name PATH     The path that the application is mounted at
  --forwarded NAME=N     Trust N proxies for what X-Forwarded-NAME tells: for,
                         proto, host or prefix; may be repeated
  --max-body-size BYTES  The most bytes that the body of a request may have
  --once                 Answer one request, then exit
  --quiet                Do not log requests
  --no-validate          Do not check that the application conforms to PEP 3333
  --help                 Print this help and exit
  --version              Print the version and exit`;

const FORWARDED_REGEXP = /^(for|proto|host|prefix)=(\d{1,9})$/;

/** What the command line asks for. */
function readArgs(args: string[]) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string", default: "8000" },
      "unix-socket": { type: "string" },
      cert: { type: "string" },
      key: { type: "string" },
      "script-name": { type: "string" },
      forwarded: { type: "string", multiple: true, default: [] },
      "max-body-size": { type: "string" },
      once: { type: "boolean", default: false },
      quiet: { type: "boolean", default: false },
      "no-validate": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
      version: { type: "boolean", default: false },
    },
  });
  if (positionals.length > 1) {
    throw new TypeError(
      `Cannot serve more than one module: received ${quote(positionals)}`,
    );
  }
  const size = values["max-body-size"];
  return {
    ...values,
    module: positionals[0],
    port: readNumber("port", values.port, 65_535),
    maxBodySize: size === undefined
      ? undefined
      : readNumber("max-body-size", size),
    forwarded: Object.fromEntries(values.forwarded.map(readForwarded)),
  };
}

function readNumber(
  name: string,
  text: string,
  most = Number.MAX_SAFE_INTEGER,
): number {
  if (!isDigits(text) || Number(text) > most) {
    throw new RangeError(
      `Cannot take --${name} as it must be 0 to ${most}: received ${
        quote(text)
      }`,
    );
  }
  return Number(text);
}

function readForwarded(text: string): [name: string, count: number] {
  const [, name = "", count] = FORWARDED_REGEXP.exec(text) ?? [];
  if (count === undefined) {
    throw new TypeError(
      `Cannot take --forwarded as it must be for, proto, host or prefix, "=" and a number: received ${
        quote(text)
      }`,
    );
  }
  return [name, Number(count)];
}

/** The first line of what an error says. */
function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split("\n", 1)[0] ?? "").replace(/\.$/, "");
}

const FRAME_REGEXP = /^ +at (.*)$/gm;
const PLACE_REGEXP = /^(?:file|https?):\S+:\d+:\d+$/;

// What npm has installed is not the user's.
const USER_REGEXP = /^file:(?!.*\/(?:node_modules|registry\.npmjs\.org)\/)/;

/** Why a module could not be loaded, and where in the user's code that was. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return messageOf(error);
  // Deno colors its messages also where nobody sees it.
  // deno-lint-ignore no-control-regex
  const text = error.message.replace(/\x1b\[[\d;]*m/g, "");
  // The reason of a failed download is in the second line.
  const [, reason] = /^ +0: (.*)$/m.exec(text) ?? [];
  const places = [...`${text}\n${error.stack}`.matchAll(FRAME_REGEXP)]
    // The place is in brackets if the function has a name.
    .map(([_line, frame = ""]) =>
      frame.slice(frame.lastIndexOf("(") + 1).replace(/\)$/, "")
    )
    .filter((place) =>
      PLACE_REGEXP.test(place) && !place.startsWith(import.meta.url)
    );
  const place = places.find((place) => USER_REGEXP.test(place)) ?? places[0];
  return `${messageOf(text)}${reason ? `: ${reason}` : ""}${
    place ? ` at ${place}` : ""
  }`;
}

// A colon comes before a name, and after a scheme.
const TARGET_REGEXP = /^((?:jsr:|npm:)?.+?)(?::(\w+))?$/;

/** Loads the application that the command line names. */
async function loadApp(target: string): Promise<WsgiApplication> {
  const [, path = "", name] = TARGET_REGEXP.exec(target) ?? [];
  const url = /^[a-z][a-z\d+.-]+:/i.test(path)
    ? path
    : pathToFileURL(path).href;
  let module: Record<string, unknown>;
  try {
    module = await import(url);
  } catch (error) {
    throw new TypeError(`Cannot load ${quote(path)}: ${describe(error)}`);
  }
  const app = name === undefined
    ? module.default ?? module.application
    : module[name];
  if (typeof app !== "function") {
    throw new TypeError(
      `Cannot serve ${quote(path)} as its export ${
        name === undefined ? '"default" or "application"' : quote(name)
      } must be a function: received ${quote(app)}`,
    );
  }
  return app as WsgiApplication;
}

/** Has an application checked. The log tells the rule that it breaks. */
function validate(app: WsgiApplication): WsgiApplication {
  return validator(app, {
    onViolation(violation) {
      violation.name = `${violation.code} [${violation.clause}]`;
      throw violation;
    },
  });
}

async function readFile(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new TypeError(`Cannot read ${quote(path)}: ${messageOf(error)}`);
  }
}

/** Where a server can be reached, for people to open. */
function toUrl(server: WsgiServer): string {
  const { serverName: name, serverPort: port, options } = server;
  const host = name.includes(":") ? `[${name}]` : name;
  return `${options.scheme}://${host}:${port}`;
}

async function serve(args: string[]): Promise<void> {
  let flags: ReturnType<typeof readArgs>;
  try {
    flags = readArgs(args);
  } catch (error) {
    const message = messageOf(error).replace(/\. To specify .*/, "");
    throw new TypeError(`${message}; --help tells more`);
  }
  const { host, port, cert, key, module, once, maxBodySize } = flags;
  const { "unix-socket": path, "script-name": scriptName = "" } = flags;
  if (flags.help) return console.log(USAGE);
  if (flags.version) return console.log(`wsgiref/${VERSION}`);

  let app = module === undefined ? demoApp : await loadApp(module);
  if (!flags["no-validate"]) app = validate(app);
  const options = {
    quiet: flags.quiet,
    scriptName,
    forwarded: flags.forwarded,
    ...(cert !== undefined && { cert: await readFile(cert) }),
    ...(key !== undefined && { key: await readFile(key) }),
    ...(path !== undefined && { path }),
    ...(maxBodySize !== undefined && { maxBodySize }),
  };
  const server = makeServer(host, port, app, options);
  // The first signal lets requests finish, the second does not.
  let stop = () => {
    stop = () => Deno.exit();
    server.shutdown();
  };
  // Windows has no SIGTERM.
  const terminate = Deno.build.os === "windows" ? "SIGBREAK" : "SIGTERM";
  for (const signal of ["SIGINT", terminate] as const) {
    Deno.addSignalListener(signal, () => stop());
  }
  console.log(
    `Serving on %c${
      path === undefined ? `${toUrl(server)}${scriptName}/` : `unix:${path}`
    }`,
    "color: cyan",
  );
  await (once ? server.handleRequest() : server.serveForever());
  await server.shutdown();
  Deno.exit();
}

/** Runs the program, which ends the process. */
export async function main(): Promise<void> {
  try {
    await serve(Deno.args);
  } catch (error) {
    console.error(
      "%cerror%c: %s",
      "color: red; font-weight: bold",
      "",
      messageOf(error),
    );
    Deno.exit(1);
  }
}
