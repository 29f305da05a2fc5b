// Copyright 2026 the wsgiref authors. MIT license.

/** What the declarations of the package ask of those who use it. */

import { assertEquals } from "@std/assert";
import { installProgram, run } from "../_npm.ts";
import { ENTRY_POINTS, installThis } from "./_package.ts";

const LIBRARIES: Record<string, { lib: string[]; types: string[] }> = {
  Node: { lib: ["esnext"], types: ["node"] },
  browsers: { lib: ["esnext", "dom", "dom.iterable"], types: [] },
};

const CODE = `
  import { makeServer, toFetchHandler, WsgiHeaders } from "@wsgi/wsgiref";
  import type { WsgiApplication, WsgiEnviron } from "@wsgi/wsgiref/types";

  declare module "@wsgi/wsgiref/types" {
    interface WsgiEnviron {
      "shop.user"?: { name: string };
    }
  }

  export const app: WsgiApplication = (environ, startResponse) => {
    const name: string | undefined = environ["shop.user"]?.name;
    const cookie: string | undefined = environ.HTTP_COOKIE;
    startResponse("200 OK", new WsgiHeaders([["X-Name", name ?? cookie ?? ""]]));
    return [new Uint8Array(1)];
  };
  export const response: Response | Promise<Response> =
    toFetchHandler(app)(new Request("http://localhost/"));
  export const serve = () => makeServer("", 8000, app).serveForever();
`;

Deno.test("the declarations need neither Deno nor skipLibCheck", async (t) => {
  const directory = await Deno.makeTempDir();
  try {
    await installThis(directory, {
      "@types/node": "24.10.1",
      typescript: "5.9.3",
    });
    const node = await installProgram(directory, "node 20");
    const imports = ENTRY_POINTS.map((name, index) =>
      `export * as module${index} from "${name}";\n`
    );
    await Deno.writeTextFile(
      `${directory}/index.ts`,
      imports.join("") + CODE,
    );
    for (const [name, libraries] of Object.entries(LIBRARIES)) {
      await t.step(`with the types of ${name}`, async () => {
        const compilerOptions = {
          ...libraries,
          exactOptionalPropertyTypes: true,
          module: "nodenext",
          noEmit: true,
          skipLibCheck: false,
          strict: true,
          target: "esnext",
        };
        await Deno.writeTextFile(
          `${directory}/tsconfig.json`,
          JSON.stringify({ compilerOptions, files: ["index.ts"] }),
        );
        const compiler = "node_modules/typescript/lib/tsc.js";
        assertEquals(await run(node, [compiler], directory), "");
      });
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
