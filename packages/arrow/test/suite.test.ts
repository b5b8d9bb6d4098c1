import { describe, test } from "vitest";
import { suite } from "./suite.ts";

suite({ describe, test });
