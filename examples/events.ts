// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Sends the time to each client, every second, until the client goes.
 *
 * ```sh
 * deno run -N -R simple_server.ts examples/events.ts
 * ```
 *
 * Then open http://127.0.0.1:8000/.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import {
  type ServerSentEventMessage,
  ServerSentEventStream,
} from "@std/http/server-sent-event-stream";
import type { WsgiApplication } from "@wsgi/wsgiref/types";

const PAGE = `<!DOCTYPE html>
<html lang="en">
<title>The time</title>
<p>It is <output></output></p>
<script>
  new EventSource("events").onmessage = ({ data }) =>
    document.querySelector("output").textContent = data;
</script>
`;

/** Tells the time, from an event of this number on. */
async function* tellTime(
  id: number,
  signal: AbortSignal,
): AsyncGenerator<ServerSentEventMessage> {
  while (!signal.aborted) {
    yield { id: id++, data: new Date().toISOString() };
    // Its error is that the signal was aborted.
    await delay(1000, { signal }).catch(() => {});
  }
}

/** Answers with the events, or with a page that shows them. */
const events: WsgiApplication = (environ, startResponse) => {
  if (!environ.PATH_INFO?.endsWith("/events")) {
    startResponse("200 OK", [["Content-Type", "text/html; charset=utf-8"]]);
    return [new TextEncoder().encode(PAGE)];
  }
  const { "wsgiref.signal": signal = AbortSignal.any([]) } = environ;
  // A client that comes back says which event it has got last.
  const { HTTP_LAST_EVENT_ID: last = "" } = environ;
  const id = /^\d{1,15}$/.test(last) ? Number(last) + 1 : 1;
  startResponse("200 OK", [
    ["Content-Type", "text/event-stream"],
    ["Cache-Control", "no-store"],
  ]);
  return ReadableStream.from(tellTime(id, signal))
    .pipeThrough(new ServerSentEventStream());
};

export default events;
