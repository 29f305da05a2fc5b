// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Has browsers save a table as a file, which is made while it is sent.
 *
 * ```sh
 * deno run -N -R simple_server.ts examples/download.ts
 * curl --remote-header-name --remote-name localhost:8000
 * ```
 *
 * @module
 */

import { CsvStringifyStream } from "@std/csv/stringify-stream";
import { WsgiHeaders } from "@wsgi/wsgiref/headers";
import type { WsgiApplication } from "@wsgi/wsgiref/types";

/** Makes the rows of the table. */
function* makeRows() {
  for (let year = 1; year <= 50; year++) {
    yield { year, balance: (1000 * 1.02 ** year).toFixed(2), currency: "€" };
  }
}

/** Answers with a table of comma-separated values. */
const download: WsgiApplication = (_environ, startResponse) => {
  const headers = new WsgiHeaders([
    ["Content-Type", "text/csv; charset=utf-8"],
  ]);
  headers.addHeader("Content-Disposition", "attachment", {
    filename: "Savings in €.csv",
  });
  startResponse("200 OK", headers);
  return ReadableStream.from(makeRows())
    .pipeThrough(
      new CsvStringifyStream({ columns: ["year", "balance", "currency"] }),
    )
    .pipeThrough(new TextEncoderStream());
};

export default download;
