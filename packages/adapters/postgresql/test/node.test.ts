import { afterAll, describe, test } from "vitest";
import { stopPostgres } from "./postgres.ts";
import { suite } from "./suite.ts";

afterAll(stopPostgres);
suite({ describe, test: (name, body) => test(name, body, 60_000) });
