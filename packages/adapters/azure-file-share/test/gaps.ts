import type { Gap } from "@aml/adapter-testkit";

// A rename replaces whatever has the name, or nothing: not one version. An MD5 of the whole file is not kept by it.
export const lacks = ["conditionalWrites", "md5"] as const;

const never = (reason: string): Gap => ({ status: "never", reason, since: "2026-11-25" });
const CHARACTERS = 'Azure Files has no names with " \\ : | < > * ? in them: they are path_invalid.';

export const gaps: Readonly<Record<string, Gap>> = {
  "names/url": never(CHARACTERS),
  "names/glob": never(CHARACTERS),
  "names/backslash": never(CHARACTERS),
  "names/listed": never(CHARACTERS),
  "names/case": never("Azure Files takes upper and lower case for one name."),
};

/** What a copy needs of its source, and a token cannot give. */
export const withoutSignature: Readonly<Record<string, Gap>> = Object.fromEntries(
  ["bytes", "properties", "tells-bytes", "if-none-match", "changed-source", "secret"].map((name) => [
    `copy/${name}`,
    never("Azure Files copies from a URL that is signed; a token cannot be handed on."),
  ]),
);
