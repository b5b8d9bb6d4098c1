import type { Workspace, WorkspaceOptions } from "./workspace.ts";

export function createWorkspace(_options: WorkspaceOptions): Workspace {
  throw new Error("being written");
}
