// Copyright 2026 the wsgiref authors. MIT license.
// deno-lint-ignore-file no-console -- it is a program too

/**
 * Serves a Python WSGI application, run by Pyodide: CPython in WebAssembly.
 *
 * ```sh
 * deno run -A examples/python_app.ts examples/python_app.py
 * deno run -A examples/python_app.ts mysite.wsgi:application --port 8080
 * ```
 *
 * The application is a name in a file, or in a module that is looked for in the
 * working directory; without a name, it is `application`. The options are
 * `--host` (127.0.0.1) and `--port` (8000).
 *
 * Frameworks of Python only read a body whose length they know, so one that
 * comes in chunks is read before the application is called.
 *
 * Python waits for a promise by suspending its stack. As suspended stacks share
 * locks and thread-local values, requests take turns: each runs from the call
 * of the application to the end of `close()` before the next one begins.
 *
 * @module
 */

import { makeServer } from "@wsgi/wsgiref/simple-server";
import type { WsgiApplication, WsgiResult } from "@wsgi/wsgiref/types";
import { WsgiInput } from "@wsgi/wsgiref/util";
import { existsSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { loadPyodide, type PyodideInterface } from "pyodide";
import type { PyCallable } from "pyodide/ffi";

/** The Python side of the bridge: its last line is its value. */
const BRIDGE = `
import io
from traceback import format_exception
from wsgiref.util import FileWrapper

from js import Error
from pyodide.ffi import JsException, run_sync, to_js


def convert(value):
    return to_js(value, create_pyproxies=False)


def wait(read, size):
    promise = read() if size is None or size < 0 else read(size)
    return run_sync(promise).to_bytes()


class Input(io.IOBase):
    def __init__(self, stream):
        self.stream = stream

    def read(self, size=-1):
        return wait(self.stream.read, size)

    def readline(self, size=-1):
        return wait(self.stream.readline, size)


class Errors(io.TextIOBase):
    def __init__(self, stream):
        self.stream = stream

    def write(self, text):
        self.stream.write(text)
        return len(text)

    def flush(self):
        self.stream.flush()


def make_environ(values):
    values = values.to_py(depth=1)
    environ = {k: v for k, v in values.items() if isinstance(v, (str, bool))}
    environ["wsgi.version"] = (1, 0)
    environ["wsgi.input"] = Input(values["wsgi.input"])
    environ["wsgi.errors"] = Errors(values["wsgi.errors"])
    environ["wsgi.multithread"] = False
    environ["wsgi.file_wrapper"] = FileWrapper
    return environ


def make_start_response(begin):
    def start_response(status, headers, exc_info=None):
        error = exc_info and Error.new("".join(format_exception(*exc_info)))
        try:
            write = begin(status, convert(headers), error)
        except JsException as exception:
            # The headers have been sent: the error itself comes back.
            if exc_info and exception.js_error == error:
                raise exc_info[1].with_traceback(exc_info[2])
            raise
        finally:
            exc_info = None
        return lambda data: run_sync(write(convert(data)))

    return start_response


def serve(app, environ, begin, body):
    result = app(make_environ(environ), make_start_response(begin))
    # All blocks at once: the server can tell their length.
    if type(result) in (list, tuple):
        return convert(result)
    try:
        if run_sync(body.begin()):
            for block in result:
                if not run_sync(body.send(convert(block))):
                    break
        body.end()
    finally:
        if hasattr(result, "close"):
            result.close()


serve
`;

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1) ?? "";
}

/** Settles when the requests so far are over. */
let idle: Promise<void> = Promise.resolve();

/**
 * Makes an application of a Python one.
 *
 * @param pyodide The Python interpreter.
 * @param app The Python application.
 * @returns The application. Of what Python raises, the traceback is written to
 * `wsgi.errors`, and an `Error` has its last line.
 */
export function fromPythonApp(
  pyodide: PyodideInterface,
  app: PyCallable,
): WsgiApplication {
  const serve: PyCallable = pyodide.runPython(BRIDGE, {
    globals: pyodide.toPy({}),
    filename: "<bridge>",
  });
  return async (environ, startResponse) => {
    if (environ.CONTENT_LENGTH === undefined) {
      const body = await environ["wsgi.input"].read();
      environ["wsgi.input"] = new WsgiInput(body);
      if (body.length > 0) environ.CONTENT_LENGTH = String(body.length);
      // It says how the body came, and not how it is now.
      delete environ.HTTP_TRANSFER_ENCODING;
    }
    const started = Promise.withResolvers<WsgiResult>();
    /** Whether the server wants a block, or no more. */
    let demand = Promise.withResolvers<boolean>();
    let block:
      | PromiseWithResolvers<IteratorResult<Uint8Array, undefined>>
      | undefined;
    let isClosed = false;
    let hasEnded = false;

    // What the server has: Python goes on when a block is asked for.
    const result = {
      [Symbol.asyncIterator]() {
        return this;
      },
      next() {
        block = Promise.withResolvers();
        demand.resolve(true);
        return block.promise;
      },
      close() {
        isClosed = true;
        demand.resolve(false);
        return over;
      },
    };

    // What Python has.
    const body = {
      begin() {
        started.resolve(result);
        return demand.promise;
      },
      send(value: Uint8Array) {
        demand = Promise.withResolvers();
        if (isClosed) demand.resolve(false);
        block?.resolve({ done: false, value });
        return demand.promise;
      },
      end() {
        hasEnded = true;
        block?.resolve({ done: true, value: undefined });
      },
    };

    const over = idle
      .then(() => serve.callPromising(app, environ, startResponse, body))
      .then(started.resolve, ({ message: traceback }) => {
        environ["wsgi.errors"].write(traceback);
        const error = new Error(lastLine(traceback));
        // An error of close() comes too late for the response.
        if (hasEnded) throw error;
        started.reject(error);
        block?.reject(error);
      });
    idle = over.catch(() => {});
    return started.promise;
  };
}

/** The folder in which Python looks for modules, and the name of the module. */
function findModule(path: string): [folder: string, module: string] {
  if (!path.endsWith(".py")) return [".", path];
  if (!existsSync(path)) throw new TypeError("there is no such file");
  let folder = dirname(resolve(path));
  let module = basename(path, ".py");
  // What is in a package imports the rest of it.
  while (existsSync(`${folder}/__init__.py`)) {
    module = `${basename(folder)}.${module}`;
    folder = dirname(folder);
  }
  return [folder, module];
}

/** Loads an application such as `app.py` or `mysite.wsgi:application`. */
async function loadApp(target: string): Promise<WsgiApplication> {
  const [path = "", name = "application"] = target.split(/:(?=\w+$)/);
  const [folder, module] = findModule(path);
  const pyodide = await loadPyodide();
  // Python's working directory, in which it looks for modules too.
  pyodide.mountNodeFS("/home/pyodide", folder);
  const app = pyodide.pyimport("importlib").import_module(module)[name];
  if (app === undefined) throw new TypeError(`it has no "${name}"`);
  if (!pyodide.globals.get("callable")(app)) {
    throw new TypeError(`"${name}" cannot be called`);
  }
  return fromPythonApp(pyodide, app);
}

/** Of a traceback, what is in the user's own files, or the last line. */
function describe({ message }: Error): string {
  return / {2}File "\/home\/pyodide\/.*/s.exec(message)?.[0].trimEnd() ??
    lastLine(message);
}

if (import.meta.main) {
  const { values: { host, port }, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string", default: "8000" },
    },
  });
  const [target = `${import.meta.dirname}/python_app.py`] = positionals;
  const app = await loadApp(target).catch((error) => {
    console.error(`Cannot serve ${target}: ${describe(error)}`);
    Deno.exit(1);
  });
  await using server = makeServer(host, Number(port), app, {
    onListen: ({ port }) => console.log(`Serving ${target} on port ${port}`),
  });
  await server.serveForever();
}
