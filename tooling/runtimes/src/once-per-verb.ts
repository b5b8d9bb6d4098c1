import { contractCase, type Case } from "./runner.ts";

/**
 * The cases of a suite without repetition: where a store keeps one contract for several ways to sign in, whole for the
 * first, and one case of each verb for the others.
 */
export function oncePerVerb(cases: readonly Case[]): readonly Case[] {
  const first = new Map<string, string>();
  const verbs = new Set<string>();
  return cases.filter(({ name: full }) => {
    const found = contractCase(full);
    if (found === undefined) return true;
    const { name, contract, verb } = found;
    const store = `${contract} ${name.replace(/ (with|as) .*/, "")}`;
    if (!first.has(store)) first.set(store, name);
    if (first.get(store) === name) return true;
    const key = JSON.stringify([name, contract, verb]);
    return !verbs.has(key) && verbs.add(key);
  });
}
