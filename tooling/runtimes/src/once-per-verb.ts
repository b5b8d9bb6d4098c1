import { contractCase, type Case } from "./runner.ts";

/**
 * One case of each verb of a contract, for every store and way to sign in; with `whole`, all cases for each store's first
 * way. Cases of no contract stay.
 */
export function oncePerVerb(cases: readonly Case[], whole: boolean): readonly Case[] {
  const first = new Map<string, string>();
  const verbs = new Set<string>();
  return cases.filter(({ name: full }) => {
    const found = contractCase(full);
    if (found === undefined) return true;
    const { name, contract, verb } = found;
    const store = `${contract} ${name.replace(/ (with|as) .*/, "")}`;
    if (!first.has(store)) first.set(store, name);
    if (whole && first.get(store) === name) return true;
    const key = JSON.stringify([name, contract, verb]);
    return !verbs.has(key) && verbs.add(key);
  });
}
