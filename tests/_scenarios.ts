// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Requests to show what a validator refuses and what it lets pass. The cases of
 * each room are made of these; tests, their mutation and the generated document
 * share the cases.
 */

import { assertEquals } from "@std/assert";
import type {
  StartResponse,
  WriteCallable,
  WsgiApplication,
  WsgiEnviron,
  WsgiHeader,
  WsgiResult,
} from "../types.ts";
import { FileWrapper, setupTestingDefaults } from "../util.ts";
import * as validate from "../validate.ts";
import {
  validator,
  type ValidatorOptions,
  type WsgiConformanceCode,
  type WsgiConformanceError,
} from "../validate.ts";

/** Runs requests through a validator. */
export type Scenario = (
  validate: (app: WsgiApplication) => WsgiApplication,
) => void | Promise<void>;

/** Scenarios by what they show. */
export type Scenarios = Record<string, Scenario>;

/** For each check, what breaks its rule, and what is next to that and legal. */
export type Cases = {
  [code in WsgiConformanceCode]?: { bad: Scenarios; good: Scenarios };
};

export const encoder = new TextEncoder();
export const HELLO = encoder.encode("Hello");
export const EMPTY = new Uint8Array();
export const TEXT: WsgiHeader = ["Content-Type", "text/plain"];
export const MISSING = Symbol("missing");

/** A value that the types do not allow. */
export function invalid<T>(value: unknown): T {
  return value as T;
}

export const write = () => Promise.resolve();
export const startResponse: StartResponse = () => write;

/** An environ with `variables` set, or deleted if they are `MISSING`. */
export function createEnviron(
  variables: Record<string, unknown> = {},
): WsgiEnviron {
  const environ = setupTestingDefaults({
    "wsgi.file_wrapper": (filelike, blksize) =>
      new FileWrapper(filelike, blksize),
    "wsgi.input_terminated": true,
  });
  for (const [key, value] of Object.entries(variables)) {
    if (value === MISSING) delete environ[key];
    else environ[key] = value;
  }
  return environ;
}

/** A server that keeps the rules. */
export async function serve(
  app: WsgiApplication,
  environ: WsgiEnviron = createEnviron(),
  start: StartResponse = startResponse,
): Promise<Uint8Array[]> {
  const result = await app(environ, start);
  const blocks = [];
  try {
    for await (const block of result) blocks.push(block);
  } finally {
    await result.close?.();
  }
  return blocks;
}

export const hello: WsgiApplication = (_environ, startResponse) => {
  startResponse("200 OK", [TEXT]);
  return [HELLO];
};

export const generate: WsgiApplication = function* (_environ, startResponse) {
  startResponse("200 OK", [TEXT]);
  yield HELLO;
  yield HELLO;
};

/** The same, with time before each block. */
export const generateLater: WsgiApplication = async function* (
  _environ,
  startResponse,
) {
  startResponse("200 OK", [TEXT]);
  await new Promise((resolve) => setTimeout(resolve));
  yield HELLO;
  await new Promise((resolve) => setTimeout(resolve));
  yield HELLO;
};

/** An application, called with such variables. */
export function run(
  app: WsgiApplication,
  variables: Record<string, unknown> = {},
): Scenario {
  return async (validate) => {
    await serve(validate(app), createEnviron(variables));
  };
}

/** A response that has no body. */
export function head(status: string, ...headers: WsgiHeader[]): Scenario {
  return run((_environ, startResponse) => {
    startResponse(status, headers);
    return [];
  });
}

/** A response with such a result. */
export function body(
  createResult: () => unknown,
  headers: WsgiHeader[] = [TEXT],
  { status = "200 OK", method = "GET" } = {},
): Scenario {
  return run((_environ, startResponse) => {
    startResponse(status, headers);
    return invalid(createResult());
  }, { REQUEST_METHOD: method });
}

/** A server that does something else with a result. */
export function drive(
  use: (result: WsgiResult) => void | Promise<void>,
  app: WsgiApplication = generate,
): Scenario {
  return async (validate) =>
    await use(await validate(app)(createEnviron(), startResponse));
}

/** Middleware between two validators. */
export function between(
  middleware: (app: WsgiApplication) => WsgiApplication,
  app: WsgiApplication = generate,
  variables: Record<string, unknown> = {},
): Scenario {
  return async (validate) => {
    await serve(
      validate(middleware(validate(app))),
      createEnviron(variables),
    );
  };
}

export function iterator(result: WsgiResult): Iterator<Uint8Array> {
  return (result as Iterable<Uint8Array>)[Symbol.iterator]();
}

export function asyncIterator(result: WsgiResult): AsyncIterator<Uint8Array> {
  return (result as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
}

/** The codes that a scenario gives, once with violations collected. */
async function collect(
  { validator }: typeof validate,
  scenario: Scenario,
): Promise<string[]> {
  const codes = new Set<string>();
  const take = ({ code }: WsgiConformanceError) => codes.add(code);
  const options = { onViolation: take, onWarning: take };
  try {
    await scenario((app) => validator(app, options));
  } catch {
    // What goes on in spite of a violation may fail by itself.
  }
  return [...codes];
}

/** The same with the first violation thrown. */
async function catchFirst(
  { validator, WsgiConformanceError }: typeof validate,
  scenario: Scenario,
): Promise<string[]> {
  const codes = new Set<string>();
  const options: ValidatorOptions = {
    onWarning: ({ code }) => codes.add(code),
  };
  try {
    await scenario((app) => validator(app, options));
  } catch (error) {
    if (error instanceof WsgiConformanceError) codes.add(error.code);
    else if (!(error instanceof Error && error.message === "oops")) throw error;
  }
  return [...codes];
}

/** Asserts that a scenario gives `code` and nothing else, or nothing at all. */
export async function checkScenario(
  module: typeof validate,
  scenario: Scenario,
  code: WsgiConformanceCode,
  isBad: boolean,
): Promise<void> {
  for (const run of [collect, catchFirst]) {
    const codes = await run(module, scenario);
    // Whatever is said of write() comes on top of this.
    const expected = isBad ? [code] : [];
    assertEquals(
      codes.filter((other) => other !== "write-discouraged" || other === code),
      expected,
    );
  }
}

/** Registers a test for each check of a room. */
export function testCases(cases: Cases): void {
  for (const [key, { bad, good }] of Object.entries(cases)) {
    const code = key as WsgiConformanceCode;
    Deno.test(`validator() reports ${code}`, async (t) => {
      for (const [name, scenario] of Object.entries(bad)) {
        await t.step(name, () => checkScenario(validate, scenario, code, true));
      }
      for (const [name, scenario] of Object.entries(good)) {
        await t.step(
          `but not ${name}`,
          () => checkScenario(validate, scenario, code, false),
        );
      }
    });
  }
}

/** Begins a response of text. */
export function start(startResponse: StartResponse): WriteCallable {
  return startResponse("200 OK", [TEXT]);
}

/** Fails for a warning, but for the body that HEAD is to cut off. */
export function onWarning(warning: WsgiConformanceError): void {
  if (warning.code !== "body-to-head") throw warning;
}

/** An application in three validators. */
export function validateThrice(app: WsgiApplication): WsgiApplication {
  const options = { onWarning };
  return validator(validator(validator(app, options), options), options);
}
