import { describe, test } from "vitest";
import { suite } from "./suite.ts";

suite({ describe, test: (name, body) => test(name, body, 60_000) });
