// Copyright 2026 the wsgiref authors. MIT license.

/** What people write type-checks, and works. */

import {
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import { toFetchHandler } from "../handlers.ts";
import { WsgiHeaders } from "../headers.ts";
import type { WsgiApplication, WsgiEnviron, WsgiResult } from "../types.ts";
import { FileWrapper, setupTestingDefaults, wrapFile } from "../util.ts";
import { validator } from "../validate.ts";

declare module "../types.ts" {
  interface WsgiEnviron {
    "shop.user"?: { name: string };
    HTTP_DEVICE_MEMORY?: string;
  }
}

/** Tells at compile time whether two types are the same. */
type IsSame<A, B> = (<T>() => T extends A ? 1 : 2) extends
  (<T>() => T extends B ? 1 : 2) ? true : false;

function assertType<T extends true>(isTrue: T): void {
  assertEquals(isTrue, true);
}

const GET = new Request("http://localhost/");
const TEXT = [["Content-Type", "text/plain"]] as const;

Deno.test("WsgiEnviron has types for the variables of CGI and of common headers", () => {
  type Text = string | undefined;
  assertType<IsSame<WsgiEnviron["REMOTE_ADDR"], Text>>(true);
  assertType<IsSame<WsgiEnviron["REMOTE_PORT"], Text>>(true);
  assertType<IsSame<WsgiEnviron["REMOTE_HOST"], Text>>(true);
  assertType<IsSame<WsgiEnviron["REMOTE_USER"], Text>>(true);
  assertType<IsSame<WsgiEnviron["AUTH_TYPE"], Text>>(true);
  assertType<IsSame<WsgiEnviron["REQUEST_URI"], Text>>(true);
  assertType<IsSame<WsgiEnviron["HTTPS"], Text>>(true);
  assertType<IsSame<WsgiEnviron["SERVER_SOFTWARE"], Text>>(true);
  assertType<IsSame<WsgiEnviron["PATH_TRANSLATED"], Text>>(true);
  assertType<IsSame<WsgiEnviron["GATEWAY_INTERFACE"], Text>>(true);
  assertType<IsSame<WsgiEnviron["HTTP_COOKIE"], Text>>(true);
  assertType<IsSame<WsgiEnviron["HTTP_SEC_WEBSOCKET_KEY"], Text>>(true);
  assertType<IsSame<WsgiEnviron["HTTP_X_FORWARDED_FOR"], Text>>(true);
});

Deno.test("WsgiEnviron has no type for a misspelled variable", () => {
  assertType<IsSame<WsgiEnviron["HTTP_COOKEI"], unknown>>(true);
  assertType<IsSame<WsgiEnviron["REMOTE_ADRR"], unknown>>(true);
});

Deno.test("WsgiEnviron can be given variables by declaration merging", () => {
  assertType<IsSame<WsgiEnviron["HTTP_DEVICE_MEMORY"], string | undefined>>(
    true,
  );
  const environ = setupTestingDefaults({ "shop.user": { name: "Eric" } });
  assertEquals(environ["shop.user"]?.name.length, 4);
});

Deno.test("startResponse() takes a constant list, and headers", async () => {
  const app: WsgiApplication = (environ, startResponse) => {
    const isList = environ.PATH_INFO === "/list";
    startResponse("200 OK", isList ? TEXT : new WsgiHeaders([...TEXT]));
    return [];
  };
  const handler = toFetchHandler(validator(app));
  for (const path of ["/list", "/headers"]) {
    const response = await handler(new Request(`http://localhost${path}`));
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("content-type"), "text/plain");
  }
  assertEquals(TEXT.length, 1);
});

Deno.test("startResponse() takes no headers of the platform's class", async () => {
  const errors = setupTestingDefaults({})["wsgi.errors"];
  const handler = toFetchHandler((_environ, startResponse) => {
    // @ts-expect-error: PEP 3333 wants a list.
    startResponse("200 OK", new Headers());
    return [];
  }, { errors });
  assertEquals((await handler(GET)).status, 500);
  assertStringIncludes(String(errors), "received [object Headers]");
});

Deno.test("startResponse() sends a value without the blanks around it", async () => {
  const handler = toFetchHandler((_environ, startResponse) => {
    startResponse("200 OK", [["Set-Cookie", " a=1\t"], [
      "Content-Length",
      " 2 ",
    ]]);
    return [new Uint8Array(2)];
  });
  const { headers } = await handler(GET);
  assertEquals(headers.getSetCookie(), ["a=1"]);
  assertEquals(headers.get("content-length"), "2");
});

Deno.test("startResponse() copies what it is given", async () => {
  const headers = new WsgiHeaders([["X-A", "1"]]);
  const handler = toFetchHandler((_environ, startResponse) => {
    startResponse("200 OK", headers);
    headers.set("X-A", "2");
    return [];
  });
  assertEquals((await handler(GET)).headers.get("x-a"), "1");
});

Deno.test("middleware changes the list of headers that it passes on", async () => {
  function addCookie(app: WsgiApplication): WsgiApplication {
    return (environ, startResponse) =>
      app(environ, (status, headers, excInfo) => {
        new WsgiHeaders(headers).addHeader("Set-Cookie", "a=1");
        return startResponse(status, headers, excInfo);
      });
  }
  for (const create of [() => [], () => new WsgiHeaders()]) {
    const handler = toFetchHandler(addCookie((_environ, startResponse) => {
      startResponse("200 OK", create());
      return [];
    }));
    assertEquals((await handler(GET)).headers.getSetCookie(), ["a=1"]);
  }
});

Deno.test("WsgiResult may have a close() that returns something", async () => {
  const clients = new Set(["me"]);
  const handler = toFetchHandler((_environ, startResponse): WsgiResult => {
    startResponse("200 OK", TEXT);
    return {
      *[Symbol.iterator]() {},
      close: () => clients.delete("me"),
    };
  });
  await (await handler(GET)).text();
  assertEquals(clients.size, 0);
});

Deno.test("wrapFile() stands in for wsgi.file_wrapper", async () => {
  const app: WsgiApplication = (environ, startResponse) => {
    startResponse("200 OK", TEXT);
    return (environ["wsgi.file_wrapper"] ?? wrapFile)(new Blob(["spam"]));
  };
  const response = await toFetchHandler(app)(GET);
  assertEquals(await response.text(), "spam");
  const result = await app(setupTestingDefaults({}), () => async () => {});
  assertInstanceOf(result, FileWrapper);
  assertEquals(wrapFile(new Blob(), 5).blksize, 5);
});
