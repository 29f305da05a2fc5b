// Copyright 2026 the wsgiref authors. MIT license.

import type { WsgiApplication } from "../types.ts";
import {
  type Cases,
  createEnviron,
  hello,
  invalid,
  run,
  serve,
  startResponse,
} from "./_scenarios.ts";

const later: WsgiApplication = async (environ, startResponse) => {
  await null;
  return hello(environ, startResponse);
};

/** What breaks the rules of `_application_guard.ts`, and what is next to that and legal. */
export const CASES = {
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
  "wsgi-multithread": {
    bad: {
      "two calls at once": async (validate) => {
        const app = validate(later);
        await Promise.all([serve(app), serve(app)]);
      },
      "two calls at once, after one that ended": async (validate) => {
        const app = validate(later);
        await serve(app);
        await Promise.all([serve(app), serve(app)]);
      },
      "two calls at once, after one that rejected": async (validate) => {
        let call: WsgiApplication = async () => {
          await null;
          throw new Error("oops");
        };
        const app = validate((...args) => call(...args));
        await serve(app).catch(() => {});
        call = later;
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
} satisfies Cases;
