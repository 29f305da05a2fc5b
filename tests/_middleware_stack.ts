// Copyright 2026 the wsgiref authors. MIT license.

/**
 * The layers of `examples/middleware`, a validator between each two, around a
 * site that counts what it opens. As a program, it is a CGI script.
 */

import { dispatcher } from "../examples/middleware/dispatcher.ts";
import { layers } from "../examples/middleware/stack.ts";
import { sessionOf } from "../examples/middleware/sessions.ts";
import { CgiHandler } from "../handlers.ts";
import type { WsgiApplication } from "../types.ts";
import { validator, type ValidatorOptions } from "../validate.ts";

const encoder = new TextEncoder();

/** How many results were begun and released. */
export const counts = { opened: 0, closed: 0 };

/** What validators have reported. */
export const reports: string[] = [];

const options: ValidatorOptions = {
  onViolation: (error) => reports.push(`${error.stack}`),
  onWarning: (error) => reports.push(`${error.stack}`),
};

/** Counts a result that is opened, and gives what counts its close. */
function open(): { close(): void } {
  counts.opened++;
  return { close: () => void counts.closed++ };
}

async function* events(): AsyncGenerator<Uint8Array> {
  yield encoder.encode("data: 1\n\n");
  // The next one never comes.
  await new Promise(() => {});
}

async function* ticks(): AsyncGenerator<Uint8Array> {
  for (let id = 1;; id++) {
    yield encoder.encode(`data: ${id}\n\n`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function* failing(): Generator<Uint8Array> {
  yield encoder.encode("spam");
  throw new Error("It failed late");
}

const TEXT = "text/plain";
const EVENTS = "text/event-stream";

/** The pages, by the rest of their paths. */
const PAGES: Record<string, WsgiApplication> = {
  "/text": (environ, startResponse) => {
    sessionOf(environ).seen = true;
    startResponse("200 OK", [["Content-Type", TEXT], ["ETag", '"1"']]);
    return Object.assign([encoder.encode("spam ".repeat(200))], open());
  },
  "/put": async (environ, startResponse) => {
    const body = await environ["wsgi.input"].read(4);
    startResponse("200 OK", [["Content-Type", TEXT]]);
    return [encoder.encode(`${environ.REQUEST_METHOD} `), body];
  },
  "/events": (_environ, startResponse) => {
    startResponse("200 OK", [["Content-Type", EVENTS]]);
    return Object.assign(events(), open());
  },
  "/ticks": (_environ, startResponse) => {
    startResponse("200 OK", [["Content-Type", EVENTS]]);
    return Object.assign(ticks(), open());
  },
  "/stream": (_environ, startResponse) => {
    startResponse("200 OK", [["Content-Type", EVENTS]]);
    const { close } = open();
    return new ReadableStream({
      start: (controller) => controller.enqueue(encoder.encode("data: 1\n\n")),
      cancel: close,
    });
  },
  "/file": async (environ, startResponse) => {
    const file = await Deno.open(environ.HTTP_X_FILE as string);
    startResponse("200 OK", [["Content-Type", "application/octet-stream"]]);
    const { close } = open();
    return environ["wsgi.file_wrapper"]!({
      async read(size: number) {
        const buffer = new Uint8Array(size);
        const count = await file.read(buffer);
        return buffer.subarray(0, count ?? 0);
      },
      close() {
        file.close();
        close();
      },
    });
  },
  "/readable": async (environ, startResponse) => {
    const file = await Deno.open(environ.HTTP_X_FILE as string);
    startResponse("200 OK", [["Content-Type", TEXT], ["ETag", '"1"']]);
    return file.readable;
  },
  "/throws": () => {
    throw new Error("It failed at once");
  },
  "/rejects": (_environ, startResponse) => {
    startResponse("200 OK", [["Content-Type", TEXT]]);
    return Promise.reject(new Error("It failed soon"));
  },
  "/fails": (_environ, startResponse) => {
    startResponse("200 OK", [["Content-Type", TEXT]]);
    return Object.assign(failing(), open());
  },
};

const site: WsgiApplication = (environ, startResponse) =>
  PAGES[environ.PATH_INFO ?? ""]!(environ, startResponse);

const dispatch = (app: WsgiApplication) => dispatcher(new Map([["site", app]]));

/** The site behind eight layers, the outermost first, and nine validators. */
export const app: WsgiApplication = [...layers, dispatch].reduceRight(
  (app, layer) => validator(layer(app), options),
  validator(site, options),
);

if (import.meta.main) {
  // However the process ends.
  addEventListener("unload", () => {
    const { opened, closed } = counts;
    const lines = [`opened ${opened}, closed ${closed}`, ...reports];
    Deno.stderr.writeSync(encoder.encode(`${lines.join("\n")}\n`));
  });
  await new CgiHandler().run(app);
}
