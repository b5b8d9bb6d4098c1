/** Every type that a Parquet file has, with nulls in a seventh of the rows; texts short, long, shared and empty. */
export const everything = (rows: number): string => `
  SELECT i AS id, CASE WHEN i % 7 <> 3 THEN i % 2 = 0 END AS flag, CASE WHEN i % 7 <> 4 THEN (i % 100)::TINYINT END AS i8,
    (i % 30000 - 15000)::SMALLINT AS i16, CASE WHEN i % 7 <> 1 THEN i::INTEGER END AS i32, (i - 75000) * 122978293824730 AS i64,
    (i % 256)::UTINYINT AS u8, (i % 65536)::USMALLINT AS u16, (4294967295 - i)::UINTEGER AS u32,
    (18446744073709551615 - i)::UBIGINT AS u64, (i / 3)::FLOAT AS f32, CASE WHEN i % 5 = 0 THEN 'NaN'::DOUBLE ELSE i / 7 END AS f64,
    CASE WHEN i % 7 <> 2 THEN (i % 999 - 500)::DECIMAL(4,1) END AS d4, (i - 50000)::DECIMAL(9,2) AS d9,
    (50000 - i)::DECIMAL(18,4) AS d18, CASE WHEN i % 7 <> 5 THEN ((i - 50000) * 1000000007)::DECIMAL(38,10) END AS d38,
    CASE WHEN i % 7 <> 6 THEN repeat('é', (i % 9)::INTEGER) END AS short,
    CASE WHEN i % 7 <> 0 THEN repeat(chr((97 + i % 26)::INTEGER), (i % 300)::INTEGER) || '\u{1F600}' END AS long,
    'one of few texts ' || (i % 5) AS shared, CASE WHEN i % 7 <> 3 THEN repeat('\\x00\\xFF', 1)::BLOB END AS raw,
    DATE '1969-12-01' + (i % 20000)::INTEGER AS day, CASE WHEN i % 7 <> 1 THEN TIME '00:00:00.000001' + to_seconds(i % 86000) END AS clock,
    TIMESTAMP '1960-01-01 00:00:00.123456' + to_seconds(i * 10007) AS naive,
    TIMESTAMPTZ '2020-01-01 00:00:00.000001+00' + to_seconds(i) AS instant,
    make_timestamp_ns(i * 1000000007) AS nano,
    CASE WHEN i % 7 <> 2 THEN list_transform(range(i % 6), lambda x: CASE WHEN x <> 3 THEN x * i END) END AS list,
    list_transform(range(i % 4), lambda x: list_transform(range(x), lambda y: 'item ' || y || ' of a longer text')) AS deep,
    CASE WHEN i % 7 <> 4 THEN {'a': CASE WHEN i % 3 = 0 THEN NULL ELSE i END, 'B c': ['x', NULL, 'yz']} END AS struct,
    CASE WHEN i % 7 <> 5 THEN MAP {'k' || (i % 3): i::DECIMAL(10,3), 'other': NULL} END AS map,
    NULL::INTEGER AS nothing
  FROM range(${rows}) r(i)`;
