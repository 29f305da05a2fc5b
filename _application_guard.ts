// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

import type { Checks } from "./_conformance.ts";
import { checkEnviron } from "./_environ_checks.ts";
import { ErrorsGuard, guardEnviron } from "./_environ_guards.ts";
import { Exchange, type Validation } from "./_exchange.ts";
import { ResponseGuard } from "./_response_guard.ts";
import { closeResult, isPromise } from "./_result.ts";
import { guardResult } from "./_result_guard.ts";
import type { WsgiApplication, WsgiResult } from "./types.ts";

/** What an application must be, and how it must be called. */
export const APPLICATION_CHECKS = {
  "application-type": {
    clause: ["P004"],
    rule: "An application must be a function",
    remedy: "pass a function, such as the bound method of an object",
  },
  "application-arguments": {
    clause: ["P010"],
    side: "server",
    rule: "An application must be called with environ and startResponse only",
    remedy: "call app(environ, startResponse)",
  },
  "wsgi-multithread": {
    clause: ["P061"],
    side: "server",
    rule: "Calls must not overlap if wsgi.multithread is false",
    remedy: "set it to true",
  },
} satisfies Checks;

/** Checks that nothing of another request is left, as calls do not overlap. */
function checkPrevious(exchange: Exchange): void {
  const { calls, unclosed } = exchange.validation;
  if (calls > 0) exchange.report("wsgi-multithread", `${calls} not returned`);
  exchange.validation.unclosed = 0;
  if (unclosed > 0) exchange.report("close-missing", `${unclosed} not closed`);
}

/** Guards a result, or closes it: one that is refused nobody else gets. */
function takeResult(
  exchange: Exchange,
  response: ResponseGuard,
  result: WsgiResult,
): WsgiResult {
  exchange.phase = "returned";
  try {
    return guardResult(exchange, response, result);
  } catch (error) {
    closeRefused(result);
    throw error;
  }
}

async function closeRefused(result: WsgiResult): Promise<void> {
  try {
    await closeResult(result);
  } catch {
    // The violation is what is thrown.
  }
}

/** Guards an application: each of its calls, and what becomes of it. */
export function guardApplication(
  app: WsgiApplication,
  validation: Validation,
): WsgiApplication {
  if (typeof app !== "function") {
    const exchange = new Exchange(validation);
    exchange.report("application-type", app);
  }
  return (environ, startResponse, ...rest: unknown[]) => {
    const previous = ErrorsGuard.exchangeOf(environ);
    const exchange = new Exchange(validation, previous);
    // It is one request that comes with an environ that came before.
    if (environ?.["wsgi.multithread"] === false && previous === undefined) {
      checkPrevious(exchange);
    }
    if (typeof startResponse !== "function" || rest.length > 0) {
      const args = [environ, startResponse, ...rest];
      exchange.report("application-arguments", args);
    }
    if (checkEnviron(exchange, environ)) {
      exchange.method = environ.REQUEST_METHOD;
      exchange.signal = environ["wsgiref.signal"];
      guardEnviron(exchange, environ);
    }
    const response = new ResponseGuard(exchange, startResponse);
    let result;
    try {
      result = app(
        environ,
        (status, headers, excInfo, ...rest: unknown[]) =>
          response.start(status, headers, excInfo, rest),
      );
    } catch (error) {
      exchange.phase = "closed";
      throw error;
    }
    if (!isPromise(result)) return takeResult(exchange, response, result);
    exchange.isAsync = true;
    validation.calls += 1;
    return Promise.resolve(result).then((result) => {
      validation.calls -= 1;
      return takeResult(exchange, response, result);
    }, (error) => {
      validation.calls -= 1;
      exchange.phase = "closed";
      throw error;
    });
  };
}
