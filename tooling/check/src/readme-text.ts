/** Lines of a step's output that the README shows; what is longer is cut with a line of `…`. */
const LINES = 12;

/** The demo's output as the README shows it: no colours, no port of its own, long results cut. */
export function demoText(said: string): string {
  const plain = said
    // oxlint-disable-next-line no-control-regex
    .replace(/\u001b\[[\d;]*m/g, "")
    .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:10000")
    .trim();
  return plain
    .split("\n\n")
    .map((block) => {
      const lines = block.split("\n").map((line) => line.trimEnd());
      return lines.length <= LINES ? lines : [...lines.slice(0, LINES), "    …"];
    })
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

/** What stays the same from one run of the demo to the next: its steps and the code that they show. */
export function demoStructure(text: string): readonly string[] {
  return text.split("\n").filter((line) => /^(?:\d+\. |\s+› )/.test(line));
}

export interface PackageRow {
  readonly name: string;
  /** From the root. */
  readonly folder: string;
  readonly purpose: string;
}

/**
 * The table of packages.
 *
 * @param sizes - what the stage `packages` of the checks prints.
 */
export function packageTable(packages: readonly PackageRow[], sizes: string): string {
  const rows = packages.map(({ name, folder, purpose }) => {
    const line = sizes.split("\n").find((text) => text.startsWith(`${name} `));
    const size = /(\d+ [kM]B)\s*$/.exec(line ?? "")?.[1];
    if (size === undefined) throw new Error(`the checks print no install size of ${name}`);
    return `| [\`${name}\`](${folder}) | ${purpose} | ${size} |`;
  });
  return ["| package | what it is for | install size |", "| --- | --- | --: |", ...rows].join("\n");
}

/** Puts `text` between `<!-- name -->` and `<!-- /name -->`. */
export function replaceSection(page: string, name: string, text: string): string {
  return page.replace(
    sectionPattern(name),
    (_all, open: string, _old, close: string) => `${open}\n\n${text}\n\n${close}`,
  );
}

/** What stands between `<!-- name -->` and `<!-- /name -->`. */
export function sectionOf(page: string, name: string): string {
  const found = sectionPattern(name).exec(page)?.[2];
  if (found === undefined) throw new Error(`the page has no section <!-- ${name} -->`);
  return found.trim();
}

function sectionPattern(name: string): RegExp {
  return new RegExp(`(<!-- ${name} -->)([^]*?)(<!-- /${name} -->)`);
}
