/** What to do about a row that does not fit the header. With one field in the header it may be the delimiter. */
export function raggedRowHint(headerFields: number, row: string): string {
  const rest =
    "correct the row, or check the delimiter, the encoding, the header option and support_multi_line.";
  const [other] = headerFields === 1 ? (/[;\t|]/.exec(row) ?? []) : [];
  return other === undefined
    ? `C${rest.slice(1)}`
    : `If ${JSON.stringify(other)} separates the fields, read with delimiter: ${JSON.stringify(other)}; else ${rest}`;
}
