import { resolve } from "node:path";
import type { Session } from "../session.ts";

/** `aml init` */
export async function init(session: Session, folder: string | undefined): Promise<void> {
  const { DEFAULT_DATASTORES, initWorkspace } = await import("@aml/workspace");
  const root = await initWorkspace(
    folder === undefined ? session.folder : resolve(session.terminal.cwd, folder),
  );
  await session.print(
    { folder: root, datastores: DEFAULT_DATASTORES },
    () => `${root} is a workspace now. Next: aml datastore create --help\n`,
  );
}
