import { installed } from "./needs.ts";
import { pythonVenv } from "./python-venv.ts";

/**
 * The Pythons that have a client of `tooling/python/azure.txt`: that of PyPI, which is undefined where it could not be
 * installed, and Debian's, which is older, where its package is on this machine.
 *
 * @param file - of the client, below where Python has its packages.
 */
export function azurePythons(
  file: string,
): readonly { readonly from: string; readonly python: string | undefined }[] {
  const debian = installed(`/usr/lib/python3/dist-packages/${file}`) && installed("/usr/bin/python3");
  const pypi = { from: "PyPI", python: pythonVenv("azure") };
  return debian ? [pypi, { from: "Debian", python: debian }] : [pypi];
}
