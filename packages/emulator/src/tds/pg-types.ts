import type { Client } from "pg";
import type { SqlType, SqlTypeName } from "./sql-type.ts";

/** How a type is written for PostgreSQL. Microseconds are the most that its times keep. */
export function pgType(type: SqlType): string {
  const { name, length, precision, scale } = type;
  const size = typeof length === "number" ? `(${length})` : "";
  switch (name) {
    case "smallint":
    case "int":
    case "bigint":
    case "date":
      return name;
    case "real":
      return "float4";
    case "float":
      return "float8";
    case "decimal":
      return `numeric(${precision ?? 18},${scale ?? 0})`;
    case "char":
      return length === "max" ? "varchar" : `char${size}`;
    case "varchar":
      return `varchar${size}`;
    case "uniqueidentifier":
      return "uuid";
    case "time":
    case "datetime2":
    case "datetimeoffset":
      return `${TIMES[name]}${scale === undefined || scale > 6 ? "" : `(${scale})`}${name === "datetimeoffset" ? " with time zone" : ""}`;
    default:
      return `sys.${name}${size}`;
  }
}

const TIMES = { time: "time", datetime2: "timestamp", datetimeoffset: "timestamp" } as const;

const BUILT_IN: Readonly<Record<number, (modifier: number) => SqlType>> = {
  16: plain("bit"),
  20: plain("bigint"),
  21: plain("smallint"),
  23: plain("int"),
  17: () => ({ name: "varbinary", length: "max" }),
  19: () => ({ name: "nvarchar", length: 128 }),
  26: plain("bigint"),
  142: plain("xml"),
  700: plain("real"),
  701: plain("float"),
  1042: (modifier) => sized("char", modifier, 8000),
  1043: (modifier) => sized("varchar", modifier, 8000),
  1082: plain("date"),
  1083: (modifier) => ({ name: "time", scale: modifier < 0 ? 7 : modifier }),
  1114: (modifier) => ({ name: "datetime2", scale: modifier < 0 ? 7 : modifier }),
  1184: (modifier) => ({ name: "datetimeoffset", scale: modifier < 0 ? 7 : modifier }),
  1700: decimal,
  2950: plain("uniqueidentifier"),
};

function plain(name: SqlTypeName): () => SqlType {
  const type = { name };
  return () => type;
}

function sized(name: SqlTypeName, modifier: number, limit: number): SqlType {
  const length = modifier - 4;
  return { name, length: modifier < 4 || length > limit ? "max" : length };
}

/** A computed numeric has no scale in PostgreSQL; on the wire it must have one. */
function decimal(modifier: number): SqlType {
  if (modifier < 4) return { name: "decimal", precision: 38, scale: 10 };
  const precision = ((modifier - 4) >> 16) & 0xffff;
  return { name: "decimal", precision: Math.min(38, precision), scale: (modifier - 4) & 0x7ff };
}

/** Which type of SQL Server stands for a type of PostgreSQL. */
export type TypeOf = (oid: number, modifier: number) => SqlType;

/** Learns the oids of the types in schema `sys`. */
export async function loadTypes(client: Client): Promise<TypeOf> {
  const { rows } = await client.query<{ oid: number; name: string }>(
    "select oid::int8::int4 as oid, typname as name from pg_catalog.pg_type where typnamespace = 'sys'::regnamespace",
  );
  const own = new Map(rows.map(({ oid, name }) => [oid, name as SqlTypeName]));
  return (oid, modifier) => {
    const name = own.get(oid);
    if (name === undefined) return BUILT_IN[oid]?.(modifier) ?? { name: "nvarchar", length: "max" };
    if (name === "nvarchar" || name === "nchar") return sized(name, modifier, 4000);
    if (name === "varbinary" || name === "binary") return sized(name, modifier, 8000);
    return { name };
  };
}
