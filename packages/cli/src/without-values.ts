/** A message about wrong arguments without what was given: a secret in the wrong place stays out of logs. */
export function withoutValues(message: string): string {
  return message
    .replace(/^((?:error: )?unknown option '[^=']*)=[^]*?'(?=\n|$)/, "$1=…'")
    .replace(/( but got \d+): [^]*$/, "$1.\n");
}
