/** What libraries call their own, and what the command line calls it. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/\b(?:pass overwrite|allow it to be overwritten)\b/g, "add --overwrite"],
  [/`overwrite`|\bwith overwrite\b/g, "--overwrite"],
  [/\bpass recursive\b/g, "add --recursive"],
  [/\bread with onError: "null"/g, "add --on-error null"],
  [/\bread with (\w+): "?([^",;.\s]+|[^"]+)"?/g, "add --read '$1=$2'"],
  [/\bRead with (\w+): "?([^",;.\s]+|[^"]+)"?/g, "Add --read '$1=$2'"],
  [/^List the datastores to see their names\.$/, "See their names with 'aml datastore list'."],
  [/^List the datasets to see their names\.$/, "See their names with 'aml dataset list'."],
];

/** A hint in the words of the command line. */
export function commandWords(hint: string): string {
  return WORDS.reduce((text, [pattern, words]) => text.replace(pattern, words), hint);
}
