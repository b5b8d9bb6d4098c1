/** A name as SQL has it, whatever its characters. */
export function quoteName(name: string): string {
  return `"${name.replaceAll("\0", "").replaceAll('"', '""')}"`;
}
