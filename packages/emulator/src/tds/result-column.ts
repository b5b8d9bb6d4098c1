import type { SqlType } from "./sql-type.ts";

export interface ResultColumn {
  readonly name: string;
  readonly type: SqlType;
  readonly nullable: boolean;
}
