// Copyright 2026 the wsgiref authors. MIT license.

/**
 * What a validator must refuse and what it must let pass, for each of its
 * checks, and what it can see of each statement of PEP 3333. The tests, their
 * mutation and the generated document share these tables.
 */

import { assertEquals } from "@std/assert";
import type {
  ErrorStream,
  FileWrapperFactory,
  InputStream,
  StartResponse,
  WsgiApplication,
  WsgiEnviron,
  WsgiHeader,
  WsgiResult,
} from "../types.ts";
import { FileWrapper, setupTestingDefaults, WsgiInput } from "../util.ts";
import type {
  ValidatorOptions,
  WsgiConformanceCode,
  WsgiConformanceError,
} from "../validate.ts";

/** Runs requests through a validator. */
export type Scenario = (
  validate: (app: WsgiApplication) => WsgiApplication,
) => void | Promise<void>;

/** Scenarios by what they show. */
export type Scenarios = Record<string, Scenario>;

const encoder = new TextEncoder();
const HELLO = encoder.encode("Hello");
const EMPTY = new Uint8Array();
const TEXT: WsgiHeader = ["Content-Type", "text/plain"];
const MISSING = Symbol("missing");

/** A value that the types do not allow. */
function invalid<T>(value: unknown): T {
  return value as T;
}

const write = () => Promise.resolve();
const startResponse: StartResponse = () => write;

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

const hello: WsgiApplication = (_environ, startResponse) => {
  startResponse("200 OK", [TEXT]);
  return [HELLO];
};

const generate: WsgiApplication = function* (_environ, startResponse) {
  startResponse("200 OK", [TEXT]);
  yield HELLO;
  yield HELLO;
};

const later: WsgiApplication = async (environ, startResponse) => {
  await null;
  return hello(environ, startResponse);
};

/** A request with such variables. */
function request(variables: Record<string, unknown>): Scenario {
  return async (validate) => {
    await serve(validate(hello), createEnviron(variables));
  };
}

/** An application, called with such variables. */
function run(
  app: WsgiApplication,
  variables: Record<string, unknown> = {},
): Scenario {
  return async (validate) => {
    await serve(validate(app), createEnviron(variables));
  };
}

/** A response that has no body. */
function head(status: string, ...headers: WsgiHeader[]): Scenario {
  return run((_environ, startResponse) => {
    startResponse(status, headers);
    return [];
  });
}

/** A response with such a result. */
function body(
  createResult: () => unknown,
  headers: WsgiHeader[] = [TEXT],
  { status = "200 OK", method = "GET" } = {},
): Scenario {
  return run((_environ, startResponse) => {
    startResponse(status, headers);
    return invalid(createResult());
  }, { REQUEST_METHOD: method });
}

/** An application that uses `wsgi.input`. */
function read(
  use: (input: InputStream) => Promise<unknown>,
  variables: Record<string, unknown> = {},
): Scenario {
  const app: WsgiApplication = async (environ, startResponse) => {
    await use(environ["wsgi.input"]);
    return hello(environ, startResponse);
  };
  return (validate) =>
    run(app, {
      "wsgi.input": new WsgiInput(encoder.encode("one\ntwo\n")),
      CONTENT_LENGTH: "8",
      ...variables,
    })(validate);
}

/** A server whose `wsgi.input` gives something else. */
function misread(
  input: Record<PropertyKey, unknown>,
  use: (input: InputStream) => Promise<unknown>,
): Scenario {
  return (validate) => {
    const correct = new WsgiInput(encoder.encode("one\ntwo\n"));
    return read(use, {
      "wsgi.input": {
        read: (size?: number) => correct.read(size),
        readline: (size?: number) => correct.readline(size),
        readlines: (hint?: number) => correct.readlines(hint),
        [Symbol.asyncIterator]: () => correct[Symbol.asyncIterator](),
        readable: null,
        ...input,
      },
    })(validate);
  };
}

/** An application that uses `wsgi.errors`. */
function log(
  use: (errors: ErrorStream) => void,
  variables: Record<string, unknown> = {},
): Scenario {
  return run((environ, startResponse) => {
    use(environ["wsgi.errors"]);
    return hello(environ, startResponse);
  }, variables);
}

/** An application that uses `wsgi.file_wrapper`. */
function wrap(
  use: (wrapper: FileWrapperFactory) => WsgiResult,
  variables: Record<string, unknown> = {},
): Scenario {
  return run((environ, startResponse) => {
    startResponse("200 OK", [TEXT]);
    return use(environ["wsgi.file_wrapper"] as FileWrapperFactory);
  }, variables);
}

/** A server that does something else with a result. */
function drive(
  use: (result: WsgiResult) => void | Promise<void>,
  app: WsgiApplication = generate,
): Scenario {
  return async (validate) =>
    await use(await validate(app)(createEnviron(), startResponse));
}

/** Middleware between two validators. */
function between(
  middleware: (app: WsgiApplication) => WsgiApplication,
  app: WsgiApplication = generate,
): Scenario {
  return async (validate) => {
    await serve(validate(middleware(validate(app))));
  };
}

function iterator(result: WsgiResult): Iterator<Uint8Array> {
  return (result as Iterable<Uint8Array>)[Symbol.iterator]();
}

function asyncIterator(result: WsgiResult): AsyncIterator<Uint8Array> {
  return (result as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
}

/** A generator with a `close()`. */
const closable: WsgiApplication = (environ, startResponse) =>
  Object.assign(generate(environ, startResponse) as Iterable<Uint8Array>, {
    close() {},
  });

const closableArray: WsgiApplication = (environ, startResponse) =>
  Object.assign(hello(environ, startResponse) as Uint8Array[], { close() {} });

/** A server that iterates, and leaves it at that. */
async function exhaust(
  result: WsgiResult | Promise<WsgiResult>,
): Promise<WsgiResult> {
  const awaited = await result;
  for await (const _block of awaited);
  return awaited;
}

/** For each check, what breaks its rule, and what is next to that and legal. */
export const CASES: Record<
  WsgiConformanceCode,
  { bad: Scenarios; good: Scenarios }
> = {
  "application-type": {
    bad: {
      "a number": (validate) => void validate(invalid(5)),
      "an object with a method": (validate) =>
        void validate(invalid({ call: hello })),
    },
    good: {
      "a function": (validate) => void validate(hello),
      "a bound method": (validate) =>
        void validate({ call: hello }.call.bind(null)),
    },
  },
  "application-arguments": {
    bad: {
      "three arguments": (validate) =>
        void invalid<(...args: unknown[]) => void>(validate(hello))(
          createEnviron(),
          startResponse,
          {},
        ),
      "a startResponse that is no function": (validate) =>
        void validate(hello)(createEnviron(), invalid({})),
    },
    good: { "two arguments": run(hello) },
  },
  "environ-type": {
    bad: {
      "a Map": (validate) =>
        void validate(hello)(invalid(new Map()), startResponse),
      "null": (validate) => void validate(hello)(invalid(null), startResponse),
      "an array": (validate) =>
        void validate(hello)(invalid([]), startResponse),
      "an instance of a class": (validate) =>
        void validate(hello)(
          Object.assign(new (class Environ {})(), createEnviron()),
          startResponse,
        ),
      "a frozen object": (validate) =>
        void validate(hello)(Object.freeze(createEnviron()), startResponse),
    },
    good: {
      "an object without a prototype": async (validate) => {
        const environ = Object.create(null);
        await serve(validate(hello), Object.assign(environ, createEnviron()));
      },
    },
  },
  "environ-missing": {
    bad: {
      "no REQUEST_METHOD": request({ REQUEST_METHOD: MISSING }),
      "no SERVER_NAME": request({ SERVER_NAME: MISSING }),
      "no SERVER_PORT": request({ SERVER_PORT: MISSING }),
      "no SERVER_PROTOCOL": request({ SERVER_PROTOCOL: MISSING }),
      "REQUEST_METHOD undefined": request({ REQUEST_METHOD: undefined }),
      "no wsgi.version": request({ "wsgi.version": MISSING }),
      "no wsgi.url_scheme": request({ "wsgi.url_scheme": MISSING }),
      "no wsgi.input": request({ "wsgi.input": MISSING }),
      "no wsgi.errors": request({ "wsgi.errors": undefined }),
      "no wsgi.multithread": request({ "wsgi.multithread": MISSING }),
      "no wsgi.multiprocess": request({ "wsgi.multiprocess": MISSING }),
      "no wsgi.run_once": request({ "wsgi.run_once": MISSING }),
    },
    good: {
      "no QUERY_STRING, CONTENT_TYPE and CONTENT_LENGTH": request({
        QUERY_STRING: MISSING,
        CONTENT_TYPE: MISSING,
        CONTENT_LENGTH: MISSING,
      }),
      "no SCRIPT_NAME": request({ SCRIPT_NAME: MISSING }),
      "no PATH_INFO": request({ SCRIPT_NAME: "/app", PATH_INFO: MISSING }),
    },
  },
  "environ-value-type": {
    bad: {
      "a number": request({ SERVER_PORT: 80 }),
      "undefined": request({ HTTP_ACCEPT: undefined }),
      "a number in a variable of any name": request({ "Path": 1 }),
    },
    good: {
      "an empty string": request({ HTTP_ACCEPT: "" }),
      "an object in an extension": request({ "app.session": {} }),
    },
  },
  "environ-string-range": {
    bad: {
      "a value beyond U+00FF": request({ PATH_INFO: "/\u0100" }),
      "a name beyond U+00FF": request({ "NAME_\u0100": "" }),
    },
    good: { "U+00FF": request({ PATH_INFO: "/\xff" }) },
  },
  "environ-empty": {
    bad: {
      "REMOTE_USER": request({ REMOTE_USER: "" }),
      "REMOTE_HOST": request({ REMOTE_HOST: "" }),
    },
    good: {
      "REMOTE_USER with a name": request({ REMOTE_USER: "me" }),
      "QUERY_STRING": request({ QUERY_STRING: "" }),
    },
  },
  "request-method": {
    bad: {
      "a space": request({ REQUEST_METHOD: "G T" }),
      "an empty method": request({ REQUEST_METHOD: "" }),
    },
    good: {
      "an extension method": request({ REQUEST_METHOD: "M-SEARCH" }),
      "CONNECT": request({ REQUEST_METHOD: "CONNECT" }),
    },
  },
  "script-name": {
    bad: {
      "no slash": request({ SCRIPT_NAME: "app" }),
      "only a slash": request({ SCRIPT_NAME: "/" }),
    },
    good: {
      "a path": request({ SCRIPT_NAME: "/app" }),
      "a line break in a path": request({ SCRIPT_NAME: "/\n" }),
    },
  },
  "path-info": {
    bad: {
      "no slash": request({ PATH_INFO: "path" }),
      "a URL": request({ PATH_INFO: "http://localhost/" }),
      "* without OPTIONS": request({ PATH_INFO: "*" }),
      "a host and a port without CONNECT": request({
        PATH_INFO: "localhost:80",
      }),
      "CONNECT without a port": request({
        REQUEST_METHOD: "CONNECT",
        PATH_INFO: "localhost",
      }),
    },
    good: {
      "OPTIONS *": request({ REQUEST_METHOD: "OPTIONS", PATH_INFO: "*" }),
      "CONNECT host:port": request({
        REQUEST_METHOD: "CONNECT",
        PATH_INFO: "localhost:80",
      }),
      "two slashes": request({ PATH_INFO: "//host" }),
    },
  },
  "path-missing": {
    bad: {
      "both empty": request({ SCRIPT_NAME: "", PATH_INFO: "" }),
      "both absent": request({ SCRIPT_NAME: MISSING, PATH_INFO: MISSING }),
    },
    good: {
      "the application itself": request({
        SCRIPT_NAME: "/app",
        PATH_INFO: "",
      }),
      "OPTIONS": request({
        REQUEST_METHOD: "OPTIONS",
        SCRIPT_NAME: "",
        PATH_INFO: "",
      }),
      "CONNECT": request({
        REQUEST_METHOD: "CONNECT",
        SCRIPT_NAME: "",
        PATH_INFO: "",
      }),
    },
  },
  "request-content-length": {
    bad: {
      "a sign": request({ CONTENT_LENGTH: "+5" }),
      "spaces": request({ CONTENT_LENGTH: " 5 " }),
      "a list": request({ CONTENT_LENGTH: "5, 5" }),
    },
    good: {
      "digits": request({ CONTENT_LENGTH: "5" }),
      "an empty string": request({ CONTENT_LENGTH: "" }),
    },
  },
  "server-name": {
    bad: {
      "an empty name": request({ SERVER_NAME: "" }),
      "a slash": request({ SERVER_NAME: "a/b" }),
      "a port": request({ SERVER_NAME: "localhost:80" }),
    },
    good: {
      "an IPv6 address": request({ SERVER_NAME: "::1" }),
      "an IPv6 address in brackets": request({ SERVER_NAME: "[::1]" }),
      "an underscore": request({ SERVER_NAME: "my_host" }),
    },
  },
  "server-port": {
    bad: {
      "an empty port": request({ SERVER_PORT: "" }),
      "a name": request({ SERVER_PORT: "http" }),
    },
    good: { "digits": request({ SERVER_PORT: "8000" }) },
  },
  "server-protocol": {
    bad: {
      "an empty protocol": request({ SERVER_PROTOCOL: "" }),
      "lower case": request({ SERVER_PROTOCOL: "http/1.1" }),
      "more after it": request({ SERVER_PROTOCOL: "HTTP/1.1 x" }),
    },
    good: {
      "HTTP/1.1": request({ SERVER_PROTOCOL: "HTTP/1.1" }),
      "HTTP/2": request({ SERVER_PROTOCOL: "HTTP/2" }),
    },
  },
  "http-host": {
    bad: {
      "a path": request({ HTTP_HOST: "a/b" }),
      "user information": request({ HTTP_HOST: "user@a" }),
    },
    good: {
      "a port": request({ HTTP_HOST: "a:80" }),
      "an IPv6 address": request({ HTTP_HOST: "[::1]:80" }),
      "an empty host": request({ HTTP_HOST: "" }),
    },
  },
  "http-content": {
    bad: {
      "HTTP_CONTENT_TYPE": request({ HTTP_CONTENT_TYPE: "text/plain" }),
      "HTTP_CONTENT_LENGTH": request({ HTTP_CONTENT_LENGTH: "5" }),
    },
    good: {
      "CONTENT_TYPE": request({ CONTENT_TYPE: "text/plain" }),
      "HTTP_CONTENT_LANGUAGE": request({ HTTP_CONTENT_LANGUAGE: "en" }),
    },
  },
  "http-name": {
    bad: {
      "a dash": request({ "HTTP_X-A": "" }),
      "lower case": request({ HTTP_x: "" }),
    },
    good: { "another character of a token": request({ "HTTP_X.A!": "" }) },
  },
  "http-proxy": {
    bad: { "HTTP_PROXY": request({ HTTP_PROXY: "http://localhost" }) },
    good: { "HTTP_X_PROXY": request({ HTTP_X_PROXY: "http://localhost" }) },
  },
  "http-transfer-encoding": {
    bad: {
      "a body that does not end by itself": request({
        HTTP_TRANSFER_ENCODING: "chunked",
        "wsgi.input_terminated": false,
      }),
    },
    good: {
      "a body that ends by itself": request({
        HTTP_TRANSFER_ENCODING: "chunked",
        "wsgi.input_terminated": true,
      }),
    },
  },
  "https": {
    bad: { "http": request({ HTTPS: "on" }) },
    good: {
      "https": request({ HTTPS: "on", "wsgi.url_scheme": "https" }),
      "off": request({ HTTPS: "off" }),
    },
  },
  "wsgi-version": {
    bad: {
      "a string": request({ "wsgi.version": "1.0" }),
      "another major version": request({ "wsgi.version": [9, 0] }),
      "another minor version": request({ "wsgi.version": [1, 1] }),
      "one number": request({ "wsgi.version": [1] }),
      "three numbers": request({ "wsgi.version": [1, 0, 0] }),
    },
    good: { "[1, 0]": request({ "wsgi.version": [1, 0] }) },
  },
  "url-scheme": {
    bad: {
      "null": request({ "wsgi.url_scheme": null }),
      "a colon": request({ "wsgi.url_scheme": "http:" }),
    },
    good: { "https": request({ "wsgi.url_scheme": "https" }) },
  },
  "url-scheme-unusual": {
    bad: { "ftp": request({ "wsgi.url_scheme": "ftp" }) },
    good: { "http": request({ "wsgi.url_scheme": "http" }) },
  },
  "wsgi-flag": {
    bad: {
      "wsgi.multithread as a number": request({ "wsgi.multithread": 0 }),
      "wsgi.multiprocess as a number": request({ "wsgi.multiprocess": 1 }),
      "wsgi.run_once as a string": request({ "wsgi.run_once": "" }),
      "wsgi.input_terminated as a number": request({
        "wsgi.input_terminated": 1,
      }),
    },
    good: {
      "all true": request({
        "wsgi.multithread": true,
        "wsgi.multiprocess": true,
        "wsgi.run_once": true,
      }),
      "no wsgi.input_terminated": request({ "wsgi.input_terminated": MISSING }),
    },
  },
  "wsgi-multithread": {
    bad: {
      "two calls at once": async (validate) => {
        const app = validate(later);
        await Promise.all([serve(app), serve(app)]);
      },
    },
    good: {
      "one call after the other": async (validate) => {
        const app = validate(later);
        await serve(app);
        await serve(app);
      },
      "true": async (validate) => {
        const app = validate(later);
        const variables = { "wsgi.multithread": true };
        await Promise.all([
          serve(app, createEnviron(variables)),
          serve(app, createEnviron(variables)),
        ]);
      },
      "a call after one that rejected": async (validate) => {
        const app = validate(async () => {
          await null;
          throw new Error("oops");
        });
        await serve(app).catch(() => {});
        await serve(app);
      },
      "a call within a call": async (validate) => {
        const app: WsgiApplication = validate(
          async (environ, startResponse) => {
            if (environ.PATH_INFO === "/a") {
              return hello(environ, startResponse);
            }
            await null;
            return app({ ...environ, PATH_INFO: "/a" }, startResponse);
          },
        );
        await serve(app);
      },
    },
  },
  "extension-name": {
    bad: {
      "upper case": request({ "app.Session": {} }),
      "a dash": request({ "x-app.session": {} }),
    },
    good: { "digits and underscores": request({ "app2.my_session": {} }) },
  },
  "input-type": {
    bad: {
      "null": request({ "wsgi.input": null }),
      "a ReadableStream": request({ "wsgi.input": new ReadableStream() }),
      "no readable": request({
        "wsgi.input": {
          read() {},
          readline() {},
          readlines() {},
          [Symbol.asyncIterator]() {},
        },
      }),
    },
    good: { "a WsgiInput": request({ "wsgi.input": new WsgiInput(null) }) },
  },
  "errors-type": {
    bad: {
      "null": request({ "wsgi.errors": null }),
      "no flush()": request({
        "wsgi.errors": { write() {}, writelines() {} },
      }),
      "the console": request({ "wsgi.errors": console }),
    },
    good: {
      "the three methods": request({
        "wsgi.errors": { write() {}, writelines() {}, flush() {} },
      }),
    },
  },
  "file-wrapper-type": {
    bad: {
      "null": request({ "wsgi.file_wrapper": null }),
      "an object": request({ "wsgi.file_wrapper": {} }),
    },
    good: { "absent": request({ "wsgi.file_wrapper": MISSING }) },
  },

  "start-response-arguments": {
    bad: {
      "one argument": run((_environ, startResponse) => {
        invalid<(status: string) => void>(startResponse)("200 OK");
        return [];
      }),
      "four arguments": run((_environ, startResponse) => {
        invalid<(...args: unknown[]) => void>(startResponse)(
          "200 OK",
          [],
          undefined,
          {},
        );
        return [];
      }),
    },
    good: {
      "two arguments": head("200 OK"),
      "three arguments": run((_environ, startResponse) => {
        startResponse("500 Oops", [], new Error("oops"));
        return [];
      }),
    },
  },
  "start-response-repeated": {
    bad: {
      "a second call": run((_environ, startResponse) => {
        startResponse("200 OK", []);
        startResponse("200 OK", []);
        return [];
      }),
      "a second call with null as excInfo": run((_environ, startResponse) => {
        startResponse("200 OK", []);
        startResponse("200 OK", [], null);
        return [];
      }),
      "a second call after the first threw": async (validate) => {
        const app = validate((_environ, startResponse) => {
          try {
            startResponse("200 OK", []);
          } catch {
            startResponse("200 OK", []);
          }
          return [];
        });
        let calls = 0;
        await serve(app, createEnviron(), () => {
          if (calls++ === 0) throw new Error("refused");
          return write;
        });
      },
    },
    good: {
      "a second call with excInfo": run((_environ, startResponse) => {
        startResponse("200 OK", []);
        startResponse("500 Oops", [], new Error("oops"));
        return [];
      }),
    },
  },
  "start-response-missing": {
    bad: {
      "an array": run(() => [HELLO]),
      "an empty array": run(() => []),
      "a generator": run(function* () {
        yield HELLO;
      }),
      "an empty block": run(function* (_environ, startResponse) {
        yield EMPTY;
        startResponse("200 OK", []);
      }),
      "an empty generator": run(function* () {}),
    },
    good: {
      "in the first iteration": run(function* (_environ, startResponse) {
        startResponse("200 OK", [TEXT]);
        yield HELLO;
      }),
      "before the end of an empty generator": run(
        // deno-lint-ignore require-yield
        function* (_environ, startResponse) {
          startResponse("200 OK", []);
        },
      ),
    },
  },
  "start-response-result": {
    bad: {
      "undefined": async (validate) => {
        await serve(validate(hello), createEnviron(), () => invalid(undefined));
      },
    },
    good: { "a function": run(hello) },
  },
  "status-type": {
    bad: {
      "a number": head(invalid(200)),
      "bytes": head(invalid(encoder.encode("200 OK"))),
    },
    good: { "a string": head("200 OK") },
  },
  "status-form": {
    bad: {
      "no reason": head("200"),
      "an empty reason": head("200 "),
      "two spaces": head("200  OK"),
      "a space before it": head(" 200 OK"),
      "a space after it": head("200 OK "),
      "no code": head("OK"),
      "a code below 100": head("099 Low"),
      "an empty string": head(""),
    },
    good: {
      "a reason of several words": head("404 Not Found"),
      "999": head("999 Whatever"),
      "Latin-1": head("200 Tr\xe8s bien"),
    },
  },
  "status-control": {
    bad: {
      "a line break at the end": head("200 OK\n"),
      "a header in it": head("200 OK\r\nX-A: b"),
      "a tab": head("200 O\tK"),
    },
    good: { "a space": head("200 O K") },
  },
  "response-string-range": {
    bad: {
      "a status beyond U+00FF": head("200 \u0100"),
      "a header beyond U+00FF": head("200 OK", ["X-A", "\u0100"]),
    },
    good: { "U+00FF": head("200 \xff", ["X-A", "\xff"]) },
  },
  "headers-type": {
    bad: {
      "a record": run((_environ, startResponse) => {
        startResponse("200 OK", invalid({ "Content-Type": "text/plain" }));
        return [];
      }),
      "a Headers object": run((_environ, startResponse) => {
        startResponse("200 OK", invalid(new Headers()));
        return [];
      }),
    },
    good: { "an empty array": head("200 OK") },
  },
  "header-pair": {
    bad: {
      "a string": head("200 OK", invalid("X-A: b")),
      "three items": head("200 OK", invalid(["X-A", "b", "c"])),
      "null": head("200 OK", invalid(null)),
    },
    good: { "two items": head("200 OK", ["X-A", "b"]) },
  },
  "header-type": {
    bad: {
      "a number as the value": head("200 OK", invalid(["Content-Length", 0])),
      "undefined as the name": head("200 OK", invalid([undefined, ""])),
    },
    good: { "two strings": head("200 OK", ["Content-Length", "0"]) },
  },
  "header-name": {
    bad: {
      "a colon": head("200 OK", ["X-A:", "b"]),
      "a space": head("200 OK", ["X A", "b"]),
      "an empty name": head("200 OK", ["", "b"]),
      "a line break": head("200 OK", ["X-A\n", "b"]),
    },
    good: {
      "a digit first": head("200 OK", ["1a", "b"]),
      "a dot": head("200 OK", ["a.b", "c"]),
    },
  },
  "header-name-end": {
    bad: {
      "a dash": head("200 OK", ["X-", "b"]),
      "an exclamation mark": head("200 OK", ["X!", "b"]),
    },
    good: { "a dash within": head("200 OK", ["X-A", "b"]) },
  },
  "header-value": {
    bad: {
      "a header in it": head("200 OK", ["X-A", "b\r\nX-C: d"]),
      "DEL": head("200 OK", ["X-A", "\x7f"]),
      "a blank at the end": head("200 OK", ["X-A", "b "]),
    },
    good: {
      "a tab": head("200 OK", ["X-A", "b\tc"]),
      "an empty value": head("200 OK", ["X-A", ""]),
    },
  },
  "header-status": {
    bad: { "Status": head("200 OK", ["Status", "200 OK"]) },
    good: { "X-Status": head("200 OK", ["X-Status", "200 OK"]) },
  },
  "header-hop-by-hop": {
    bad: {
      "Connection": head("200 OK", ["connection", "close"]),
      "Transfer-Encoding": head("200 OK", ["Transfer-Encoding", "chunked"]),
    },
    good: { "Content-Encoding": head("200 OK", ["Content-Encoding", "gzip"]) },
  },
  "header-repeated": {
    bad: {
      "Content-Type": head("200 OK", TEXT, TEXT),
      "Content-Length": head(
        "200 OK",
        ["Content-Length", "0"],
        ["content-length", "0"],
      ),
    },
    good: {
      "Set-Cookie": head("200 OK", ["Set-Cookie", "a=b"], ["Set-Cookie", "c"]),
      "Content-Length and Content-Type": head(
        "200 OK",
        ["Content-Length", "0"],
        TEXT,
      ),
    },
  },
  "content-length-form": {
    bad: {
      "a sign": head("200 OK", ["Content-Length", "-1"]),
      "an empty value": head("200 OK", ["Content-Length", ""]),
      "hexadecimal digits": head("200 OK", ["Content-Length", "0x0"]),
    },
    good: { "zero": head("200 OK", ["Content-Length", "0"]) },
  },
  "content-length-forbidden": {
    bad: {
      "204": head("204 No Content", ["Content-Length", "0"]),
      "1xx": head("103 Early Hints", ["Content-Length", "0"]),
      "CONNECT": body(() => [], [["Content-Length", "0"]], {
        method: "CONNECT",
      }),
    },
    good: {
      "304": head("304 Not Modified", ["Content-Length", "5"]),
      "205": head("205 Reset Content", ["Content-Length", "0"]),
      "an error response to CONNECT": body(
        () => [],
        [["Content-Length", "0"]],
        {
          method: "CONNECT",
          status: "403 Forbidden",
        },
      ),
    },
  },
  "content-type-forbidden": {
    bad: {
      "204": head("204 No Content", TEXT),
      "1xx": head("103 Early Hints", TEXT),
    },
    good: { "304": head("304 Not Modified", TEXT) },
  },
  "content-type-missing": {
    bad: {
      "an array": body(() => [HELLO], []),
      "a generator": run(function* (_environ, startResponse) {
        startResponse("200 OK", []);
        yield HELLO;
      }),
    },
    good: {
      "an empty body": body(() => [], []),
      "an empty block": body(() => [EMPTY], []),
      "a redirect without a body": head("302 Found", ["Location", "/"]),
    },
  },
  "etag-form": {
    bad: {
      "no quotes": head("200 OK", ["ETag", "abc"]),
      "a lower-case w": head("200 OK", ["ETag", 'w/"abc"']),
      "a quote within": head("200 OK", ["ETag", '"a"b"']),
    },
    good: {
      "a strong tag": head("200 OK", ["ETag", '"abc"']),
      "a weak tag": head("200 OK", ["ETag", 'W/"abc"']),
    },
  },
  "location-form": {
    bad: {
      "a space": head("302 Found", ["Location", "/a b"]),
      "not ASCII": head("302 Found", ["Location", "/caf\xe9"]),
      "an empty value": head("302 Found", ["Location", ""]),
    },
    good: {
      "a path": head("302 Found", ["Location", "/a?b#c"]),
      "a URL": head("302 Found", ["Location", "http://[::1]:80/%20"]),
    },
  },
  "exc-info-type": {
    bad: {
      "a tuple as in Python": run((_environ, startResponse) => {
        startResponse("500 Oops", [], [Error, new Error("oops"), null]);
        return [];
      }),
    },
    good: {
      "a DOMException": run((_environ, startResponse) => {
        startResponse("500 Oops", [], new DOMException("oops"));
        return [];
      }),
    },
  },
  "exc-info-ignored": {
    bad: {
      "after a block": run(function* (_environ, startResponse) {
        startResponse("200 OK", [TEXT]);
        yield HELLO;
        startResponse("500 Oops", [TEXT], new Error("oops"));
      }),
    },
    good: {
      "after an empty block": run(function* (_environ, startResponse) {
        startResponse("200 OK", [TEXT]);
        yield EMPTY;
        startResponse("500 Oops", [TEXT], new Error("oops"));
      }),
    },
  },
  "exc-info-trapped": {
    bad: {
      "by an application": async (validate) => {
        const app = validate((_environ, startResponse) => {
          try {
            startResponse("500 Oops", [], new Error("oops"));
          } catch {
            // Goes on, which it must not.
          }
          return [];
        });
        await serve(app, createEnviron(), (_status, _headers, excInfo) => {
          throw excInfo;
        });
      },
      "by a generator": async (validate) => {
        const app = validate(function* (_environ, startResponse) {
          startResponse("200 OK", [TEXT]);
          yield HELLO;
          try {
            startResponse("500 Oops", [TEXT], new Error("oops"));
          } catch {
            yield HELLO;
          }
        });
        await serve(app, createEnviron(), (_status, _headers, excInfo) => {
          if (excInfo) throw excInfo;
          return write;
        });
      },
    },
    good: {
      "let pass": async (validate) => {
        const oops = new Error("oops");
        const app = validate((_environ, startResponse) => {
          startResponse("500 Oops", [], oops);
          return [];
        });
        await serve(app, createEnviron(), (_status, _headers, excInfo) => {
          throw excInfo;
        }).catch((error) => {
          if (error !== oops) throw error;
        });
      },
      "a first call that was refused": async (validate) => {
        const app = validate((_environ, startResponse) => {
          try {
            startResponse("200 OK", []);
          } catch (error) {
            startResponse("500 Oops", [], error);
          }
          return [];
        });
        await serve(app, createEnviron(), (_status, _headers, excInfo) => {
          if (!excInfo) throw new Error("refused");
          return write;
        });
      },
    },
  },

  "write-arguments": {
    bad: {
      "two arguments": run((_environ, startResponse) => {
        invalid<(...data: unknown[]) => void>(startResponse("200 OK", [TEXT]))(
          HELLO,
          HELLO,
        );
        return [];
      }),
    },
    good: {
      "one argument": run((_environ, startResponse) => {
        startResponse("200 OK", [TEXT])(HELLO);
        return [];
      }),
    },
  },
  "write-type": {
    bad: {
      "a string": run((_environ, startResponse) => {
        startResponse("200 OK", [TEXT])(invalid("Hello"));
        return [];
      }),
      "undefined": run((_environ, startResponse) => {
        startResponse("200 OK", [TEXT])(invalid(undefined));
        return [];
      }),
    },
    good: {
      "empty bytes": run((_environ, startResponse) => {
        startResponse("200 OK", [])(EMPTY);
        return [];
      }),
    },
  },
  "write-after-return": {
    bad: {
      "in a generator": run(function* (_environ, startResponse) {
        startResponse("200 OK", [TEXT])(HELLO);
        yield HELLO;
      }),
      "after an array": async (validate) => {
        let write = (_data: Uint8Array) => Promise.resolve();
        const app = validate((_environ, startResponse) => {
          write = startResponse("200 OK", [TEXT]);
          return [];
        });
        await serve(app);
        await write(HELLO);
      },
    },
    good: {
      "in an async application": run(async (_environ, startResponse) => {
        const write = startResponse("200 OK", [TEXT]);
        await write(HELLO);
        await write(HELLO);
        return [HELLO];
      }),
    },
  },
  "write-discouraged": {
    bad: {
      "one block": run((_environ, startResponse) => {
        startResponse("200 OK", [TEXT])(HELLO);
        return [];
      }),
    },
    good: { "no block": run(generate) },
  },
  "write-result": {
    bad: {
      "undefined": async (validate) => {
        const app = validate((_environ, startResponse) => {
          startResponse("200 OK", [TEXT])(HELLO);
          return [];
        });
        await serve(app, createEnviron(), () => () => invalid(undefined));
      },
    },
    good: {
      "a promise": run((_environ, startResponse) => {
        startResponse("200 OK", [TEXT])(HELLO);
        return [];
      }),
    },
  },

  "result-type": {
    bad: {
      "undefined": body(() => undefined),
      "null": body(() => null),
      "a Response": body(() => new Response("Hello")),
      "a function": body(() => () => [HELLO]),
      "an iterable without an iterator": body(() => ({
        [Symbol.iterator]: () => null,
      })),
      "an iterator that gives no result": body(() => ({
        [Symbol.asyncIterator]: () => ({ next: () => null }),
      })),
      "a locked stream": async (validate) => {
        const stream = ReadableStream.from([HELLO]);
        stream.getReader();
        await body(() => stream)(validate);
      },
    },
    good: {
      "an array": body(() => [HELLO]),
      "a Set": body(() => new Set([HELLO])),
      "a promise of a stream": body(
        () => Promise.resolve(ReadableStream.from([HELLO])),
      ),
    },
  },
  "result-string": {
    bad: {
      "a string": body(() => "Hello"),
      "a promise of a string": body(() => Promise.resolve("")),
    },
    good: { "an array of its bytes": body(() => [HELLO]) },
  },
  "result-bytes": {
    bad: {
      "a Uint8Array": body(() => HELLO),
      "an ArrayBuffer": body(() => HELLO.buffer),
    },
    good: { "an array of a Uint8Array": body(() => [HELLO]) },
  },
  "result-close": {
    bad: {
      "true": body(() => Object.assign(new Set([HELLO]), { close: true })),
      "null in an array": body(() => Object.assign([HELLO], { close: null })),
    },
    good: {
      "a function": body(() => Object.assign([HELLO], { close() {} })),
      "undefined": body(() => Object.assign([HELLO], { close: undefined })),
    },
  },
  "result-length": {
    bad: {
      "a length": body(() => Object.assign(new Set([HELLO]), { length: 2 })),
      "a size": body(() => ({
        size: 2,
        *[Symbol.iterator]() {
          yield HELLO;
        },
      })),
    },
    good: {
      "the size of a Set": body(() => new Set([HELLO])),
      "a size that is a method": body(() => ({
        size: () => 2,
        *[Symbol.iterator]() {
          yield HELLO;
        },
      })),
    },
  },
  "block-type": {
    bad: {
      "a string in an array": body(() => ["Hello"]),
      "a hole in an array": body(() => new Array(1)),
      "a string in a generator": body(() => new Set(["Hello"])),
      "an ArrayBuffer in a stream": body(() =>
        ReadableStream.from([HELLO.buffer])
      ),
    },
    good: {
      "a subclass of Uint8Array": body(
        () => [new (class extends Uint8Array {})(1)],
      ),
    },
  },
  "body-forbidden": {
    bad: {
      "204": body(() => [HELLO], [], { status: "204 No Content" }),
      "205": body(() => [HELLO], [], { status: "205 Reset Content" }),
      "304": body(() => new Set([HELLO]), [], { status: "304 Not Modified" }),
      "1xx": body(() => [HELLO], [], { status: "103 Early Hints" }),
    },
    good: {
      "empty blocks": body(() => [EMPTY], [], { status: "204 No Content" }),
      "404": body(() => [HELLO], [TEXT], { status: "404 Not Found" }),
    },
  },
  "body-to-head": {
    bad: { "a block": body(() => [HELLO], [TEXT], { method: "HEAD" }) },
    good: { "no block": body(() => [], [TEXT], { method: "HEAD" }) },
  },
  "content-length-exceeded": {
    bad: {
      "an array": body(() => [HELLO, HELLO], [TEXT, ["Content-Length", "9"]]),
      "a generator": body(() => new Set([HELLO]), [TEXT, [
        "Content-Length",
        "0",
      ]]),
      "write()": run((_environ, startResponse) => {
        startResponse("200 OK", [TEXT, ["Content-Length", "4"]])(HELLO);
        return [];
      }),
      "write() and an array": run((_environ, startResponse) => {
        startResponse("200 OK", [TEXT, ["Content-Length", "5"]])(HELLO);
        return [HELLO];
      }),
    },
    good: {
      "its very length": body(() => [HELLO], [TEXT, ["Content-Length", "5"]]),
      "a length that was replaced": run((_environ, startResponse) => {
        startResponse("200 OK", [TEXT, ["Content-Length", "4"]]);
        startResponse("500 Oops", [TEXT], new Error("oops"));
        return [HELLO];
      }),
    },
  },
  "content-length-unreached": {
    bad: {
      "an array": body(() => [HELLO], [TEXT, ["Content-Length", "6"]]),
      "an empty array": body(() => [], [["Content-Length", "5"]]),
      "a generator": body(() => new Set([HELLO]), [TEXT, [
        "Content-Length",
        "6",
      ]]),
    },
    good: {
      "write() and an array": run((_environ, startResponse) => {
        startResponse("200 OK", [TEXT, ["Content-Length", "10"]])(HELLO);
        return [HELLO];
      }),
      "HEAD": body(() => [], [TEXT, ["Content-Length", "5"]], {
        method: "HEAD",
      }),
      "304": head("304 Not Modified", ["Content-Length", "5"]),
      "a result that is closed early": drive(async (result) => {
        asyncIterator(result).next();
        await result.close?.();
      }, async function* (_environ, startResponse) {
        startResponse("200 OK", [TEXT, ["Content-Length", "10"]]);
        yield HELLO;
        yield HELLO;
      }),
    },
  },

  "iterated-twice": {
    bad: {
      "two loops": drive((result) => {
        iterator(result);
        iterator(result);
      }),
    },
    good: { "one loop": run(generate) },
  },
  "iterated-early": {
    bad: {
      "two reads at once": drive(async (result) => {
        const blocks = asyncIterator(result);
        await Promise.all([blocks.next(), blocks.next()]);
      }, async function* (_environ, startResponse) {
        startResponse("200 OK", [TEXT]);
        yield HELLO;
        yield HELLO;
      }),
    },
    good: {
      "one read after the other": drive((result) => {
        const blocks = iterator(result);
        blocks.next();
        blocks.next();
      }),
    },
  },
  "iterated-after-end": {
    bad: {
      "after the last block": drive((result) => {
        const blocks = iterator(result);
        while (!blocks.next().done);
        blocks.next();
      }),
      "after return()": drive((result) => {
        const blocks = iterator(result);
        blocks.next();
        blocks.return?.();
        blocks.next();
      }),
      "after an error": drive((result) => {
        const blocks = iterator(result);
        try {
          blocks.next();
        } catch {
          blocks.next();
        }
        // deno-lint-ignore require-yield
      }, function* () {
        throw new Error("oops");
      }),
      "after a rejection": drive(async (result) => {
        const blocks = asyncIterator(result);
        try {
          await blocks.next();
        } catch {
          await blocks.next();
        }
        // deno-lint-ignore require-yield
      }, async function* () {
        throw new Error("oops");
      }),
    },
    good: {
      "to the end": drive((result) => {
        const blocks = iterator(result);
        while (!blocks.next().done);
        blocks.return?.();
      }),
    },
  },
  "iterated-after-close": {
    bad: {
      "a block": drive((result) => {
        result.close?.();
        iterator(result).next();
      }),
    },
    good: {
      "close() during a read": drive(async (result) => {
        const blocks = asyncIterator(result);
        const pending = blocks.next();
        await blocks.return?.();
        await result.close?.();
        await pending;
      }, (_environ, startResponse) => {
        startResponse("200 OK", [TEXT]);
        return new ReadableStream();
      }),
    },
  },
  "close-repeated": {
    bad: {
      "a generator": drive((result) => {
        result.close?.();
        result.close?.();
      }, closable),
      "an array": drive((result) => {
        result.close?.();
        result.close?.();
      }, closableArray),
    },
    good: { "once": run(closable) },
  },
  "close-missing": {
    bad: {
      "by a server": async (validate) => {
        const app = validate(closable);
        await exhaust(app(createEnviron(), startResponse));
        await exhaust(app(createEnviron(), startResponse));
      },
      "by a server that stops early": (validate) => {
        const app = validate(closable);
        for (let i = 0; i < 2; i++) {
          const result = app(createEnviron(), startResponse);
          const blocks = iterator(result as WsgiResult);
          blocks.next();
          blocks.return?.();
        }
      },
      "by a server, of an array": (validate) => {
        const app = validate(closableArray);
        app(createEnviron(), startResponse);
        app(createEnviron(), startResponse);
      },
      "by middleware": between((app) =>
        function* (environ, startResponse) {
          yield* app(environ, startResponse) as Iterable<Uint8Array>;
        }, closable),
      "by middleware, of an array": between(
        (app) => (environ, startResponse) => [
          ...app(environ, startResponse) as Iterable<Uint8Array>,
        ],
        closableArray,
      ),
      "by middleware with an async close()": between(
        (app) => (environ, startResponse) => ({
          *[Symbol.iterator]() {
            yield* app(environ, startResponse) as Iterable<Uint8Array>;
          },
          async close() {},
        }),
        closable,
      ),
    },
    good: {
      "a server whose calls overlap": async (validate) => {
        const app = validate(closable);
        const variables = { "wsgi.multithread": true };
        await exhaust(app(createEnviron(variables), startResponse));
        await exhaust(app(createEnviron(variables), startResponse));
      },
      "a server that closes": async (validate) => {
        const app = validate(closable);
        await serve(app);
        await serve(app);
      },
      "one request that calls twice": async (validate) => {
        const app = validate(closable);
        const environ = createEnviron();
        const results = [
          await exhaust(app(environ, startResponse)),
          await exhaust(app(environ, startResponse)),
        ];
        for (const result of results) await result.close?.();
      },
      "nothing to close": async (validate) => {
        const app = validate(generate);
        await exhaust(app(createEnviron(), startResponse));
        await exhaust(app(createEnviron(), startResponse));
      },
      "middleware that closes": between(
        (app) => (environ, startResponse) => {
          const result = app(environ, startResponse) as Iterable<Uint8Array> & {
            close?(): void;
          };
          return {
            *[Symbol.iterator]() {
              yield* result;
            },
            async close() {
              await null;
              result.close?.();
            },
          };
        },
        closable,
      ),
      "middleware that passes the result on": between(
        (app) => app,
        closableArray,
      ),
    },
  },

  "middleware-withheld": {
    bad: {
      "two blocks joined": between((app) =>
        function* (environ, startResponse) {
          let size = 0;
          for (
            const block of app(environ, startResponse) as Iterable<Uint8Array>
          ) size += block.length;
          yield new Uint8Array(size);
        }
      ),
      "as many blocks, but at the end": between((app) =>
        function* (environ, startResponse) {
          const blocks = app(environ, startResponse) as Iterable<Uint8Array>;
          yield* [...blocks];
        }
      ),
      "two blocks joined asynchronously": between((app) =>
        async function* (environ, startResponse) {
          let size = 0;
          for await (const block of await app(environ, startResponse)) {
            size += block.length;
          }
          yield new Uint8Array(size);
        }
      ),
      "a block dropped at the end": between((app) =>
        function* (environ, startResponse) {
          const blocks = iterator(app(environ, startResponse) as WsgiResult);
          yield blocks.next().value;
          blocks.next();
        }
      ),
    },
    good: {
      "empty blocks in between": between((app) =>
        function* (environ, startResponse) {
          let size = 0;
          for (
            const block of app(environ, startResponse) as Iterable<Uint8Array>
          ) {
            size += block.length;
            yield EMPTY;
          }
          yield new Uint8Array(size);
        }
      ),
      "two of its own for each": between((app) =>
        async function* (environ, startResponse) {
          for await (const block of await app(environ, startResponse)) {
            yield block;
            yield EMPTY;
          }
        }
      ),
      "a stream that reads ahead": between(
        (app) => async (environ, startResponse) =>
          ReadableStream.from(await app(environ, startResponse))
            .pipeThrough(new TransformStream()),
      ),
      "two results, one after the other": between((app) =>
        function* (environ, startResponse) {
          yield* app(environ, startResponse) as Iterable<Uint8Array>;
          yield* app(environ, () => write) as Iterable<Uint8Array>;
        }
      ),
    },
  },
  "middleware-delayed": {
    bad: {
      "all blocks": between((app) => (environ, startResponse) => [
        ...app(environ, startResponse) as Iterable<Uint8Array>,
      ]),
      "the first block": between((app) => (environ, startResponse) => {
        const blocks = iterator(app(environ, startResponse) as WsgiResult);
        blocks.next();
        return new Set([HELLO, HELLO]);
      }),
      "all blocks asynchronously": between(
        (app) => async (environ, startResponse) => {
          const blocks = [];
          for await (const block of await app(environ, startResponse)) {
            blocks.push(block);
          }
          return blocks;
        },
      ),
      "all blocks, which it closes": between(
        (app) => (environ, startResponse) => serve(app, environ, startResponse),
      ),
    },
    good: {
      "a generator": between((app) => (environ, startResponse) => {
        const result = app(environ, startResponse) as Iterable<Uint8Array>;
        return (function* () {
          yield* result;
        })();
      }),
      "a request of its own before": between(
        (app) => (environ, startResponse) => {
          iterator(app(environ, () => write) as WsgiResult).next();
          return app(environ, startResponse);
        },
      ),
    },
  },
  "middleware-write": {
    bad: {
      "what was yielded": between((app) => (environ, startResponse) => {
        let write = (_data: Uint8Array) => Promise.resolve();
        const [block = EMPTY] = app(environ, (...args) => {
          write = startResponse(...args);
          return write;
        }) as Uint8Array[];
        write(block);
        return [];
      }, hello),
    },
    good: {
      "what was written": between((app) => app, (_environ, startResponse) => {
        startResponse("200 OK", [TEXT])(HELLO);
        return [];
      }),
    },
  },

  "input-arguments": {
    bad: {
      "read() with two": read((input) =>
        invalid<(...args: number[]) => Promise<void>>(
          input.read.bind(input),
        )(1, 2)
      ),
      "readline() with two": read((input) =>
        invalid<(...args: number[]) => Promise<void>>(
          input.readline.bind(input),
        )(1, 2)
      ),
      "readlines() with two": read((input) =>
        invalid<(...args: number[]) => Promise<void>>(
          input.readlines.bind(input),
        )(1, 2)
      ),
    },
    good: {
      "read() with none": read((input) => input.read()),
      "readline() with none": read((input) => input.readline()),
      "readlines() with one": read((input) => input.readlines(5)),
    },
  },
  "input-size": {
    bad: {
      "a negative number": read((input) => input.read(-1)),
      "a fraction": read((input) => input.readline(1.5)),
      "a string": read((input) => input.readlines(invalid("1"))),
      "null": read((input) => input.read(invalid(null))),
    },
    good: { "zero": read((input) => input.read(0)) },
  },
  "input-past-end": {
    bad: {
      "more than CONTENT_LENGTH": read((input) => input.read(9), {
        "wsgi.input_terminated": false,
      }),
      "more than is left": read(async (input) => {
        await input.readline();
        await input.read(5);
      }, { "wsgi.input_terminated": MISSING }),
      "without CONTENT_LENGTH": read((input) => input.read(1), {
        CONTENT_LENGTH: MISSING,
        "wsgi.input_terminated": false,
      }),
    },
    good: {
      "CONTENT_LENGTH": read((input) => input.read(8), {
        "wsgi.input_terminated": false,
      }),
      "all": read((input) => input.read(), { "wsgi.input_terminated": false }),
      "an input that ends by itself": read((input) => input.read(9)),
    },
  },
  "input-closed": {
    bad: {
      "close()": read(async (input) =>
        await invalid<{ close(): void }>(input).close()
      ),
    },
    good: {
      "iteration that stops early": read(async (input) => {
        for await (const _line of input) break;
      }),
    },
  },
  "input-result": {
    bad: {
      "a string from read()": misread(
        { read: () => Promise.resolve("text") },
        (input) => input.read(),
      ),
      "null from readline()": misread(
        { readline: () => Promise.resolve(null) },
        (input) => input.readline(),
      ),
      "two lines from readline()": misread(
        { readline: () => Promise.resolve(encoder.encode("one\ntwo\n")) },
        (input) => input.readline(),
      ),
      "bytes from readlines()": misread(
        { readlines: () => Promise.resolve(HELLO) },
        (input) => input.readlines(),
      ),
      "strings from readlines()": misread(
        { readlines: () => Promise.resolve(["one\n"]) },
        (input) => input.readlines(),
      ),
      "strings from iteration": misread(
        {
          async *[Symbol.asyncIterator]() {
            yield "one\n";
          },
        },
        async (input) => {
          for await (const _line of input);
        },
      ),
      "a readable that is no stream": misread(
        { readable: null },
        async (input) => await input.readable,
      ),
    },
    good: {
      "what a WsgiInput gives": misread({}, async (input) => {
        await input.readline();
        for await (const _line of input);
        await input.readlines();
        await input.read();
      }),
      "the stream of a WsgiInput": read((input) =>
        new Response(input.readable).text()
      ),
    },
  },
  "input-excess": {
    bad: {
      "read()": misread(
        { read: () => Promise.resolve(new Uint8Array(5)) },
        (input) => input.read(4),
      ),
      "readline()": misread(
        { readline: () => Promise.resolve(new Uint8Array(5)) },
        (input) => input.readline(4),
      ),
    },
    good: {
      "read()": misread({}, (input) => input.read(4)),
      "readline()": misread({}, (input) => input.readline(2)),
    },
  },
  "input-after-end": {
    bad: {
      "after all": misread({
        read: () => Promise.resolve(new Uint8Array(5)),
      }, async (input) => {
        await input.read();
        await input.read();
      }),
      "after a short read": misread({
        read: () => Promise.resolve(new Uint8Array(3)),
      }, async (input) => {
        await input.read(5);
        await input.read(5);
      }),
      "after a line that does not end": misread({
        readline: () => Promise.resolve(encoder.encode("one")),
      }, async (input) => {
        await input.readline();
        await input.readline();
      }),
    },
    good: {
      "empty bytes after the end": misread({}, async (input) => {
        await input.read();
        await input.read();
        await input.readline();
        await input.readlines();
      }),
      "whole reads": misread({}, async (input) => {
        await input.read(4);
        await input.read(4);
      }),
      "parts of a line": misread({}, async (input) => {
        await input.readline(2);
        await input.readline(2);
      }),
    },
  },

  "errors-arguments": {
    bad: {
      "write() with two": log((errors) =>
        invalid<(...args: string[]) => void>(errors.write.bind(errors))(
          "a",
          "b",
        )
      ),
      "writelines() with two": log((errors) =>
        invalid<(...args: unknown[]) => void>(errors.writelines.bind(errors))(
          [],
          "b",
        )
      ),
      "flush() with one": log((errors) =>
        invalid<(force: boolean) => void>(errors.flush.bind(errors))(true)
      ),
    },
    good: {
      "as PEP 3333 has them": log((errors) => {
        errors.write("a");
        errors.writelines(["b"]);
        errors.flush();
      }),
    },
  },
  "errors-text": {
    bad: {
      "bytes": log((errors) => errors.write(invalid(HELLO))),
      "undefined": log((errors) => errors.write(invalid(undefined))),
      "a string as the list": log((errors) => errors.writelines("a")),
      "null as the list": log((errors) => errors.writelines(invalid(null))),
      "a number in the list": log((errors) =>
        errors.writelines(invalid(["a", 1]))
      ),
    },
    good: {
      "any text": log((errors) => errors.write("\u{1f600}")),
      "an iterator as the list": log((errors) =>
        errors.writelines(["a"].values())
      ),
    },
  },
  "errors-line-ending": {
    bad: { "\\r\\n": log((errors) => errors.write("a\r\n")) },
    good: { "\\n": log((errors) => errors.write("a\n")) },
  },
  "errors-closed": {
    bad: {
      "close()": log((errors) => invalid<{ close(): void }>(errors).close()),
    },
    good: { "flush()": log((errors) => errors.flush()) },
  },
  "errors-throws": {
    bad: {
      "a stream that refuses": log((errors) => {
        try {
          errors.write("\u{1f600}");
        } catch {
          // The warning is what counts.
        }
      }, {
        "wsgi.errors": {
          write() {
            throw new TypeError("refused");
          },
          writelines() {},
          flush() {},
        },
      }),
    },
    good: {
      "a stream that takes it": log((errors) => errors.write("\u{1f600}")),
    },
  },

  "file-wrapper-arguments": {
    bad: {
      "three arguments": wrap((wrapper) =>
        invalid<(...args: unknown[]) => WsgiResult>(wrapper)(
          new Blob(["Hello"]),
          5,
          5,
        )
      ),
    },
    good: {
      "one argument": wrap((wrapper) => wrapper(new Blob(["Hello"]))),
      "two arguments": wrap((wrapper) => wrapper(new Blob(["Hello"]), 5)),
    },
  },
  "file-wrapper-file": {
    bad: {
      "bytes": wrap((wrapper) => wrapper(invalid(HELLO))),
      "null": wrap((wrapper) => wrapper(invalid(null))),
    },
    good: {
      "a stream": wrap((wrapper) => wrapper(ReadableStream.from([HELLO]))),
      "an object with read()": wrap((wrapper) => wrapper({ read: () => null })),
    },
  },
  "file-wrapper-result": {
    bad: {
      "undefined": wrap((wrapper) => wrapper(new Blob(["Hello"])) ?? [], {
        "wsgi.file_wrapper": () => undefined,
      }),
      "no close()": wrap(
        (wrapper) => wrapper({ read: () => null, close() {} }),
        { "wsgi.file_wrapper": () => [] },
      ),
    },
    good: {
      "a FileWrapper": wrap((wrapper) =>
        wrapper({ read: () => null, close() {} })
      ),
      "no close() to call": wrap((wrapper) => wrapper({ read: () => null }), {
        "wsgi.file_wrapper": () => [],
      }),
    },
  },
};

/** The codes that a scenario gives, once with violations collected. */
async function collect(
  { validator }: typeof import("../validate.ts"),
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
  { validator, WsgiConformanceError }: typeof import("../validate.ts"),
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
  module: typeof import("../validate.ts"),
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
