/** A number and its noun: `1 file`, `2 files`, `20,000 files`. */
export function countText(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}
