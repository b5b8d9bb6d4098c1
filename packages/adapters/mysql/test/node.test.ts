import { describe, test } from "vitest";
import { skip, suite } from "./suite.ts";

if (skip === undefined) suite({ describe, test });
else test.skip(`the conformance suite of @aml/mysql (${skip})`, () => undefined);
