import type { ResultColumn } from "./result-column.ts";
import { typeText, type SqlType, type SqlTypeName } from "./sql-type.ts";

const BIT: SqlType = { name: "bit" };
const INT: SqlType = { name: "int" };
const TINYINT: SqlType = { name: "tinyint" };
const SMALLINT: SqlType = { name: "smallint" };
const NAME: SqlType = { name: "nvarchar", length: 128 };
const TEXT: SqlType = { name: "nvarchar", length: 256 };

const COLUMNS: readonly (readonly [name: string, type: SqlType])[] = [
  ["is_hidden", BIT],
  ["column_ordinal", INT],
  ["name", NAME],
  ["is_nullable", BIT],
  ["system_type_id", INT],
  ["system_type_name", TEXT],
  ["max_length", SMALLINT],
  ["precision", TINYINT],
  ["scale", TINYINT],
  ["collation_name", NAME],
  ["user_type_id", INT],
  ["user_type_database", NAME],
  ["user_type_schema", NAME],
  ["user_type_name", NAME],
  ["assembly_qualified_type_name", TEXT],
  ["xml_collection_id", INT],
  ["xml_collection_database", NAME],
  ["xml_collection_schema", NAME],
  ["xml_collection_name", NAME],
  ["is_xml_document", BIT],
  ["is_case_sensitive", BIT],
  ["is_fixed_length_clr_type", BIT],
  ["source_server", NAME],
  ["source_database", NAME],
  ["source_schema", NAME],
  ["source_table", NAME],
  ["source_column", NAME],
  ["is_identity_column", BIT],
  ["is_part_of_unique_key", BIT],
  ["is_updateable", BIT],
  ["is_computed_column", BIT],
  ["is_sparse_column_set", BIT],
  ["ordinal_in_order_by_list", SMALLINT],
  ["order_by_list_length", SMALLINT],
  ["order_by_is_descending", SMALLINT],
  ["tds_type_id", INT],
  ["tds_length", INT],
  ["tds_collation_id", INT],
  ["tds_collation_sort_id", TINYINT],
];

/** Columns of what sp_describe_first_result_set gives. */
export const DESCRIPTION: readonly ResultColumn[] = COLUMNS.map(([name, type]) => ({
  name,
  type,
  nullable: true,
}));

/** sys.types.system_type_id */
const IDS: Readonly<Record<SqlTypeName, number>> = {
  uniqueidentifier: 36,
  date: 40,
  time: 41,
  datetime2: 42,
  datetimeoffset: 43,
  tinyint: 48,
  smallint: 52,
  int: 56,
  smalldatetime: 58,
  real: 59,
  money: 60,
  datetime: 61,
  float: 62,
  sql_variant: 98,
  bit: 104,
  decimal: 106,
  smallmoney: 122,
  bigint: 127,
  varbinary: 165,
  varchar: 167,
  binary: 173,
  char: 175,
  nvarchar: 231,
  nchar: 239,
  xml: 241,
};

/** One row a column; what this server does not know is NULL. */
export function describedColumns(columns: readonly ResultColumn[]): (string | null)[][] {
  return columns.map(({ name, type, nullable }, index) => {
    const known: Readonly<Record<string, string | null>> = {
      is_hidden: "0",
      column_ordinal: String(index + 1),
      name: name === "" ? null : name,
      is_nullable: nullable ? "1" : "0",
      system_type_id: String(IDS[type.name]),
      system_type_name: typeText(type),
      max_length:
        typeof type.length === "number"
          ? String(type.length * (type.name.startsWith("n") ? 2 : 1))
          : type.length === "max"
            ? "-1"
            : "0",
      precision: String(type.precision ?? 0),
      scale: String(type.scale ?? 0),
    };
    return COLUMNS.map(([column]) => known[column] ?? null);
  });
}
