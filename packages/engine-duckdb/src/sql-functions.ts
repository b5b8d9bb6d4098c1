/**
 * Functions and operators that a statement may call: those that work on the values of a row or a group, and give no more
 * than they take. What makes much of little is left out (`repeat`, `lpad`, `range`, `format`: a value has no bound of
 * memory), and so is what reads files, settings, variables or the catalog, and chance.
 */
export const SQL_FUNCTIONS: ReadonlySet<string> = new Set(
  `
  + - * / // % ** ^ & | << >> ~ || ~~ !~~ ~~* !~~* ~~~ -> ->> @> <@ &&
  abs acos add any_value approx_count_distinct approx_quantile arbitrary arg_max arg_min argmax argmin array_agg
  array_contains array_extract array_length ascii asin atan atan2 avg base64 bit_and bit_count bit_length bit_or
  bit_xor bool_and bool_or cbrt ceil ceiling century char_length character_length chr coalesce concat concat_ws contains
  corr cos cot count count_if count_star countif covar_pop covar_samp cume_dist date_add date_diff date_part date_sub
  date_trunc datediff datepart datesub datetrunc day dayname dayofmonth dayofweek dayofyear decade degrees dense_rank
  divide element_at ends_with entropy epoch epoch_ms epoch_ns epoch_us era even exp factorial fdiv first first_value
  flatten floor fmod fsum gamma gcd greatest greatest_common_divisor group_concat hash hour ifnull ilike_escape instr
  isfinite isinf isnan isodow isoyear jaccard json_array_length json_contains json_exists json_extract
  json_extract_path json_extract_path_text json_extract_string json_keys json_structure json_type json_valid json_value
  julian kahan_sum kurtosis kurtosis_pop lag last last_day last_value lcase lcm lead least least_common_multiple left
  len length levenshtein like_escape list list_aggregate list_any_value list_avg list_contains list_count list_distinct
  list_element list_extract list_first list_has_any list_last list_max list_min list_position list_sort list_sum
  list_unique list_value ln log log10 log2 lower ltrim mad make_date make_time make_timestamp map_entries map_extract
  map_keys map_values max max_by md5 mean median microsecond millennium millisecond min min_by minute mod mode month
  monthname multiply nextafter not_ilike_escape not_like_escape nth_value ntile nullif nfc_normalize now
  octet_length parse_filename percent_rank pi position pow power prefix product quantile quantile_cont quantile_disc
  quarter radians rank rank_dense regexp_extract regexp_extract_all regexp_full_match regexp_matches regexp_replace
  regexp_split_to_array regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy
  replace reverse right round row row_number rtrim second sem sha256 sign sin skewness split split_part sqrt
  starts_with stddev stddev_pop stddev_samp strftime string_agg string_split string_split_regex strip_accents strlen
  strpos strptime struct_extract struct_pack substr substring substring_grapheme subtract suffix sum sumkahan tan
  time_bucket timezone timezone_hour timezone_minute to_base64 to_days to_hours to_json to_microseconds to_milliseconds
  to_minutes to_months to_seconds to_timestamp to_weeks to_years today translate trim trunc try_strptime typeof ucase
  unicode unnest upper var_pop var_samp variance week weekday weekofyear xor year yearweek
  `
    .trim()
    .split(/\s+/),
);
