// Copyright 2026 the wsgiref authors. MIT license.

import { assert, assertEquals, assertLess } from "@std/assert";
import { ClientWatch } from "../_client_watch.ts";

/** A request whose client can leave, and how often its signal was asked for. */
class TestRequest extends Request {
  readonly controller = new AbortController();
  asks = 0;
  listeners = 0;

  constructor() {
    super("http://localhost/");
    const { signal } = this.controller;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: [string, EventListener]) => {
      this.listeners++;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: [string, EventListener]) => {
      this.listeners--;
      removeEventListener.apply(signal, args);
    };
  }

  override get signal(): AbortSignal {
    this.asks++;
    return this.controller.signal;
  }
}

/** A watch, and how often it has told that the client has left. */
function watchOf(request: Request): { watch: ClientWatch; leaves: number } {
  const watched = {
    watch: new ClientWatch(request, () => watched.leaves++),
    leaves: 0,
  };
  return watched;
}

/** Waits until a condition holds, at most for two seconds. */
async function until(condition: () => boolean): Promise<void> {
  const start = Date.now();
  while (!condition()) {
    assertLess(Date.now() - start, 2000, "It did not happen in time");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

Deno.test("ClientWatch does nothing before it is started", () => {
  const request = new TestRequest();
  const watched = watchOf(request);
  request.controller.abort();
  watched.watch.stop();
  assertEquals([watched.leaves, request.asks], [0, 0]);
});

Deno.test("ClientWatch.start() tells once that the client leaves", () => {
  const request = new TestRequest();
  const watched = watchOf(request);
  watched.watch.start();
  assertEquals(watched.leaves, 0);
  request.controller.abort();
  assertEquals(watched.leaves, 1);
});

Deno.test("ClientWatch.start() tells at once of a client that has left", () => {
  const request = new TestRequest();
  request.controller.abort();
  const watched = watchOf(request);
  watched.watch.start();
  assertEquals([watched.leaves, request.listeners], [1, 0]);
});

Deno.test("ClientWatch.stop() takes the listener off", () => {
  const request = new TestRequest();
  const watched = watchOf(request);
  watched.watch.start();
  assertEquals(request.listeners, 1);
  watched.watch.stop();
  assertEquals(request.listeners, 0);
  request.controller.abort();
  assertEquals(watched.leaves, 0);
});

Deno.test("ClientWatch.startLater() asks for the signals of all that wait, at once", async () => {
  const requests = [new TestRequest(), new TestRequest(), new TestRequest()];
  const watches = requests.map(watchOf);
  const start = performance.now();
  for (const { watch } of watches) watch.startLater();
  // This one was answered before.
  watches[0]?.watch.stop();
  // The client of this one leaves before that.
  requests[1]?.controller.abort();
  assertEquals(requests.map(({ asks }) => asks), [0, 0, 0]);
  await until(() => watches[1]?.leaves === 1);
  // Timers may be early by less than a millisecond.
  assert(performance.now() - start > 95);
  assertEquals(requests.map(({ asks }) => asks), [0, 1, 1]);
  requests[2]?.controller.abort();
  assertEquals(watches.map(({ leaves }) => leaves), [0, 1, 1]);
});

Deno.test("ClientWatch.startLater() begins once for each request", async () => {
  const requests = [new TestRequest(), new TestRequest()];
  for (const request of requests) {
    watchOf(request).watch.startLater();
    await until(() => request.asks > 0);
  }
  assertEquals(requests.map(({ asks }) => asks), [1, 1]);
});

Deno.test("ClientWatch.startLater() has one timer for all", async () => {
  const { timeout } = AbortSignal;
  const request = new TestRequest();
  let timers = 0;
  AbortSignal.timeout = (milliseconds) => {
    timers++;
    return timeout.call(AbortSignal, milliseconds);
  };
  try {
    for (let i = 0; i < 5; i++) watchOf(request).watch.startLater();
  } finally {
    AbortSignal.timeout = timeout;
  }
  assertEquals(timers, 1);
  await until(() => request.asks === 5);
});
