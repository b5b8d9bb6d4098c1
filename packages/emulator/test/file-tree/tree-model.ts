/** A file tree as plainly as it can be: what the real one must agree with. */
export interface ModelNode {
  kind: "file" | "directory";
  bytes: number[];
  /** Whether each byte was written. */
  present: boolean[];
}

export class TreeModel {
  nodes: Map<string, ModelNode> = new Map([["", directory()]]);

  at(path: string): ModelNode {
    const node = this.nodes.get(path);
    if (node === undefined) throw new Error("not_found");
    return node;
  }

  file(path: string): ModelNode {
    const node = this.at(path);
    if (node.kind !== "file") throw new Error("not_a_file");
    return node;
  }

  children(path: string): string[] {
    const start = path === "" ? "" : `${path}/`;
    return [...this.nodes.keys()]
      .filter((key) => key !== "" && key.startsWith(start) && !key.slice(start.length).includes("/"))
      .map((key) => key.slice(start.length))
      .toSorted();
  }

  room(path: string, parents: boolean): void {
    const names = path.split("/").slice(0, -1);
    const above = names.map((_, index) => names.slice(0, index + 1).join("/"));
    if (above.some((folder) => this.nodes.get(folder)?.kind === "file")) throw new Error("not_a_directory");
    for (const folder of above) {
      if (this.nodes.has(folder)) continue;
      if (!parents) throw new Error("parent_not_found");
      this.nodes.set(folder, directory());
    }
  }

  createDirectory(path: string, parents: boolean, reuse: boolean): void {
    const there = this.nodes.get(path);
    if (there?.kind === "directory" && reuse) return;
    if (there !== undefined) throw new Error("exists");
    this.room(path, parents);
    this.nodes.set(path, directory());
  }

  createFile(path: string, size: number, parents: boolean, replace: boolean): void {
    const there = this.nodes.get(path);
    this.room(path, parents);
    if (there !== undefined && !replace) throw new Error("exists");
    if (there?.kind === "directory") throw new Error("not_a_file");
    this.nodes.set(path, { kind: "file", bytes: zeros(size), present: Array<boolean>(size).fill(false) });
  }

  write(path: string, offset: number, bytes: Uint8Array): void {
    const file = this.file(path);
    this.resize(path, Math.max(file.bytes.length, offset + bytes.length));
    for (const [index, byte] of bytes.entries()) {
      file.bytes[offset + index] = byte;
      file.present[offset + index] = true;
    }
  }

  resize(path: string, size: number): void {
    const file = this.file(path);
    while (file.bytes.length < size) {
      file.bytes.push(0);
      file.present.push(false);
    }
    file.bytes.length = size;
    file.present.length = size;
  }

  clear(path: string, offset: number, length: number): void {
    const file = this.file(path);
    for (let at = offset; at < Math.min(offset + length, file.bytes.length); at++) {
      file.bytes[at] = 0;
      file.present[at] = false;
    }
  }

  ranges(path: string): { offset: number; length: number }[] {
    const found: { offset: number; length: number }[] = [];
    for (const [at, there] of this.file(path).present.entries()) {
      const last = found.at(-1);
      if (!there) continue;
      if (last !== undefined && last.offset + last.length === at) last.length += 1;
      else found.push({ offset: at, length: 1 });
    }
    return found;
  }

  move(from: string, to: string, replace: boolean): void {
    const node = this.at(from);
    if (to.startsWith(`${from}/`)) throw new Error(node.kind === "file" ? "not_a_directory" : "move_invalid");
    this.room(to, false);
    const there = this.nodes.get(to);
    if (there !== undefined && from !== to) {
      if (there.kind === "directory") throw new Error("exists");
      if (!replace) throw new Error("exists");
      if (node.kind === "directory") throw new Error("not_a_file");
    }
    const moved = [...this.nodes].filter(([path]) => path === from || path.startsWith(`${from}/`));
    for (const [path] of moved) this.nodes.delete(path);
    for (const [path, what] of moved) this.nodes.set(to + path.slice(from.length), what);
  }

  delete(path: string, recursive: boolean): void {
    this.at(path);
    if (!recursive && this.children(path).length > 0) throw new Error("not_empty");
    for (const key of this.nodes.keys())
      if (key === path || key.startsWith(`${path}/`)) this.nodes.delete(key);
  }
}

function directory(): ModelNode {
  return { kind: "directory", bytes: [], present: [] };
}

function zeros(size: number): number[] {
  return Array<number>(size).fill(0);
}
