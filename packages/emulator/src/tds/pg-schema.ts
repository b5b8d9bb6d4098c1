/**
 * What a PostgreSQL database needs to look like SQL Server's from outside: types of its own for those that PostgreSQL
 * lacks (each shares the representation of one that it has, so that everything can be computed with them), functions
 * under SQL Server's names, and the few catalog views that clients read.
 */
export const PG_SCHEMA: string = `
create schema if not exists dbo;
create schema sys;
create function sys.fail(text, text) returns text language plpgsql volatile as
  $$ begin raise exception using errcode = $1, message = $2; end $$;
${likeType("tinyint", "int2", "int2in(cstring)", "int2out", "N")}
${likeType("bit", "int2", "int2in(cstring)", "int2out", "N")}
${likeType("money", "numeric", "numeric_in(cstring,oid,int4)", "numeric_out", "N")}
${likeType("smallmoney", "numeric", "numeric_in(cstring,oid,int4)", "numeric_out", "N")}
${likeType("datetime", "timestamp", "timestamp_in(cstring,oid,int4)", "timestamp_out", "D")}
${likeType("smalldatetime", "timestamp", "timestamp_in(cstring,oid,int4)", "timestamp_out", "D")}
${likeType("nvarchar", "varchar", "varcharin(cstring,oid,int4)", "varcharout", "S", "varchar")}
${likeType("nchar", "bpchar", "bpcharin(cstring,oid,int4)", "bpcharout", "S", "bpchar")}
${likeType("varbinary", "bytea", "byteain(cstring)", "byteaout", "U", "varchar")}
${likeType("binary", "bytea", "byteain(cstring)", "byteaout", "U", "varchar")}
${likeType("xml", "text", "textin(cstring)", "textout", "S")}
${likeType("sql_variant", "text", "textin(cstring)", "textout", "S")}
create cast (sys.nvarchar as text) without function as implicit;
create cast (text as sys.nvarchar) without function as assignment;
${cast("int4", "tinyint", "case when $1 between 0 and 255 then $1::int2 else sys.fail('22003', 'tinyint')::int2 end")}
${cast("int8", "tinyint", "case when $1 between 0 and 255 then $1::int2 else sys.fail('22003', 'tinyint')::int2 end")}
${cast("int4", "bit", "(case when $1 = 0 then 0 else 1 end)::int2")}
${cast("int8", "bit", "(case when $1 = 0 then 0 else 1 end)::int2")}
${cast("numeric", "bit", "(case when $1 = 0 then 0 else 1 end)::int2")}
${cast("bool", "bit", "$1::int4::int2")}
${["money", "smallmoney"].flatMap((type) => ["int4", "int8", "float8"].map((from) => cast(from, type, "round($1::numeric, 4)"))).join("\n")}
${["datetime", "smalldatetime"].flatMap((type) => ["date", "timestamptz"].map((from) => cast(from, type, "$1::timestamp"))).join("\n")}
create function sys.nvarchar_fit(sys.nvarchar, int4, bool) returns sys.nvarchar language internal immutable strict as 'varchar';
create cast (sys.nvarchar as sys.nvarchar) with function sys.nvarchar_fit(sys.nvarchar, int4, bool) as implicit;
create function sys.nchar_fit(sys.nchar, int4, bool) returns sys.nchar language internal immutable strict as 'bpchar';
create cast (sys.nchar as sys.nchar) with function sys.nchar_fit(sys.nchar, int4, bool) as implicit;
create function sys.varbinary_fit(sys.varbinary, int4, bool) returns sys.varbinary language sql immutable strict as $$
  select case when octet_length($1::bytea) <= $2 - 4 then $1
    when $3 then substring($1::bytea from 1 for $2 - 4)::sys.varbinary
    else sys.fail('22001', 'varbinary')::bytea::sys.varbinary end $$;
create cast (sys.varbinary as sys.varbinary) with function sys.varbinary_fit(sys.varbinary, int4, bool) as implicit;
create function sys.binary_fit(sys.binary, int4, bool) returns sys.binary language sql immutable strict as $$
  select case when octet_length($1::bytea) <= $2 - 4
      then ($1::bytea || decode(repeat('00', $2 - 4 - octet_length($1::bytea)), 'hex'))::sys.binary
    when $3 then substring($1::bytea from 1 for $2 - 4)::sys.binary
    else sys.fail('22001', 'binary')::bytea::sys.binary end $$;
create cast (sys.binary as sys.binary) with function sys.binary_fit(sys.binary, int4, bool) as implicit;

create cast (sys.varbinary as sys.binary) without function as implicit;
create cast (sys.binary as sys.varbinary) without function as implicit;
create operator + (leftarg = text, rightarg = text, function = textcat);
create aggregate sys.count(*) (sfunc = int8inc, stype = int8, initcond = '0', finalfunc = int4);
create aggregate sys.count("any") (sfunc = int8inc_any, stype = int8, initcond = '0', finalfunc = int4);
create aggregate sys.count_big(*) (sfunc = int8inc, stype = int8, initcond = '0');
create aggregate sys.count_big("any") (sfunc = int8inc_any, stype = int8, initcond = '0');
create aggregate sys.sum(int4) (sfunc = int4_sum, stype = int8, finalfunc = int4);
create aggregate sys.sum(int8) (sfunc = int8pl, stype = int8);
create function sys.int_average(int8[]) returns int4 language sql immutable as
  $$ select case when $1[1] > 0 then ($1[2] / $1[1])::int4 end $$;
create aggregate sys.avg(int4) (sfunc = int4_avg_accum, stype = int8[], initcond = '{0,0}', finalfunc = sys.int_average);
create function sys.generate_series(int4, int4) returns table (value int4) language sql immutable as
  $$ select pg_catalog.generate_series($1, $2) $$;
create function sys.generate_series(int8, int8) returns table (value int8) language sql immutable as
  $$ select pg_catalog.generate_series($1, $2) $$;
create function sys.generate_series(int4, int4, int4) returns table (value int4) language sql immutable as
  $$ select pg_catalog.generate_series($1, $2, $3) $$;
create function sys.getdate() returns sys.datetime language sql stable as
  $$ select date_trunc('milliseconds', clock_timestamp() at time zone 'utc')::sys.datetime $$;
create function sys.getutcdate() returns sys.datetime language sql stable as $$ select sys.getdate() $$;
create function sys.sysdatetime() returns timestamp language sql stable as $$ select clock_timestamp() at time zone 'utc' $$;
create function sys.sysutcdatetime() returns timestamp language sql stable as $$ select clock_timestamp() at time zone 'utc' $$;
create function sys.sysdatetimeoffset() returns timestamptz language sql stable as $$ select clock_timestamp() $$;
create function sys.newid() returns uuid language sql volatile as $$ select gen_random_uuid() $$;
create function sys.len(text) returns int4 language sql immutable strict as $$ select length(rtrim($1)) $$;
create function sys.datalength(bytea) returns int4 language sql immutable strict as $$ select octet_length($1) $$;
create function sys.datalength(text) returns int4 language sql immutable strict as $$ select length($1) $$;
create function sys.datalength(sys.nvarchar) returns int4 language sql immutable strict as $$ select 2 * length($1::text) $$;
create function sys.db_name() returns sys.nvarchar language sql stable as $$ select current_database()::text::sys.nvarchar $$;
create function sys.schema_name() returns sys.nvarchar language sql stable as $$ select 'dbo'::text::sys.nvarchar $$;
create function sys.object_id(text) returns int4 language sql stable as
  $$ select to_regclass(replace(replace(lower($1), '[', '"'), ']', '"'))::oid::int4 $$;
create function sys.serverproperty(text) returns sys.sql_variant language sql stable as $$
  select (case lower($1) when 'edition' then 'SQL Azure' when 'engineedition' then '5'
    when 'productversion' then '16.0.0.0' when 'servername' then 'aml-emulator' end)::text::sys.sql_variant $$;
create table sys.settings (snapshot_isolation bool not null, read_committed_snapshot bool not null);
insert into sys.settings values (true, true);
create function sys.snapshot_number() returns int8 language sql stable as
  $$ select nullif(current_setting('aml.snapshot', true), '')::int8 $$;
create view sys.dm_tran_current_transaction as
  select coalesce(pg_current_xact_id_if_assigned()::text::int8, 0) as transaction_id,
    coalesce(sys.snapshot_number(), 0) as transaction_sequence_num,
    (case when sys.snapshot_number() is null then 0 else 1 end)::int4::sys.bit as transaction_is_snapshot;
create view sys.dm_tran_current_snapshot as
  select pg_snapshot_xip(pg_current_snapshot())::text::int8 as transaction_sequence_num
    where sys.snapshot_number() is not null
  union
  select number from pg_catalog.generate_series(pg_snapshot_xmax(pg_current_snapshot())::text::int8, sys.snapshot_number() - 1)
    as later (number);
create view sys.databases as
  select datname::text::sys.nvarchar as name, (oid::int8 % 32767)::int4 as database_id,
    160::int4::sys.tinyint as compatibility_level, 'SQL_Latin1_General_CP1_CI_AS'::text::sys.nvarchar as collation_name,
    0::int4::sys.bit as is_read_only, 0::int4::sys.tinyint as state, 'ONLINE'::text::sys.nvarchar as state_desc,
    (case when snapshot_isolation then 1 else 0 end)::int4::sys.tinyint as snapshot_isolation_state,
    (case when snapshot_isolation then 'ON' else 'OFF' end)::text::sys.nvarchar as snapshot_isolation_state_desc,
    read_committed_snapshot::sys.bit as is_read_committed_snapshot_on
  from pg_catalog.pg_database, sys.settings where not datistemplate;
create view sys.schemas as
  select nspname::text::sys.nvarchar as name, oid::int4 as schema_id from pg_catalog.pg_namespace
  where nspname !~ '^pg_' and nspname <> 'information_schema';
create view sys.tables as
  select relname::text::sys.nvarchar as name, oid::int4 as object_id, relnamespace::int4 as schema_id,
    'U'::text::sys.nvarchar as type
  from pg_catalog.pg_class where relkind in ('r', 'p') and relnamespace in (select schema_id::oid from sys.schemas where name <> 'sys');
`;

/** @param modifiers - the type whose arguments it takes, such as a length. */
function likeType(
  name: string,
  base: string,
  input: string,
  output: string,
  category: string,
  modifiers?: string,
): string {
  const [, inner = "", args = ""] = /^(\w+)\((.*)\)$/.exec(input) ?? [];
  const type = `sys.${name}`;
  const internal = (fn: string, takes: string, returns: string, from: string): string =>
    `create function sys.${name}_${fn}(${takes}) returns ${returns} language internal immutable strict parallel safe as '${from}';`;
  return `create type ${type};
${internal("in", args, type, inner)}
${internal("out", type, "cstring", output)}
${modifiers ? internal("modin", "cstring[]", "int4", `${modifiers}typmodin`) : ""}
${modifiers ? internal("modout", "int4", "cstring", `${modifiers}typmodout`) : ""}
create type ${type} (input = sys.${name}_in, output = sys.${name}_out, like = ${base}, category = '${category}'
  ${category === "S" ? ", collatable = true" : ""}
  ${modifiers ? `, typmod_in = sys.${name}_modin, typmod_out = sys.${name}_modout` : ""});
create cast (${type} as ${base}) without function as implicit;
create cast (${base} as ${type}) without function as assignment;`;
}

function cast(from: string, name: string, expression: string): string {
  return `create function sys.to_${name}(${from}) returns sys.${name} language sql immutable strict as
  $$ select (${expression})::sys.${name} $$;
create cast (${from} as sys.${name}) with function sys.to_${name}(${from}) as assignment;`;
}
