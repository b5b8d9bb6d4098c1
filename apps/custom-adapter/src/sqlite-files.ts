import { DatabaseSync } from "node:sqlite";
import { AmlError, defineStorageAdapter } from "@aml/core/adapter";
import type { FileStat, StorageAdapter, StorePath } from "@aml/core/adapter";

type Row = { readonly path: StorePath; readonly bytes: Uint8Array<ArrayBuffer>; readonly etag: string };

export const sqliteFiles = defineStorageAdapter({
  type: "sqlite_files",
  credentialKinds: ["anonymous"],
  parseOptions(input): { readonly file: string } {
    const { file } = input as { readonly file?: unknown };
    if (typeof file === "string" && file !== "") return { file };
    throw new AmlError("config_invalid", "Name the database file.", { hint: "The option is 'file'." });
  },
  open({ options: { file } }): StorageAdapter {
    const db = new DatabaseSync(file);
    db.exec("CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, bytes BLOB, etag TEXT) WITHOUT ROWID");
    const below = (prefix: string) =>
      db.prepare("SELECT * FROM files WHERE substr(path, 1, length(?1)) = ?1 ORDER BY path").iterate(prefix);
    const select = db.prepare("SELECT * FROM files WHERE path = ?");
    const find = (path: string) => select.get(path) as Row | undefined;
    const fileStat = ({ path, etag, bytes }: Row): FileStat => {
      return { path, kind: "file", size: bytes.length, etag };
    };
    const directory = (path: string): FileStat => ({ path: path as StorePath, kind: "directory", size: 0 });
    const changed = (path: string) => new AmlError("precondition_failed", `${path} is not as expected.`);
    const claims = { list: true, directories: false, sortedList: true, etags: true, atomicWrites: true };
    return {
      contract: "aml.storage/1",
      type: "sqlite_files",
      uri: `sqlite-files://${file}`,
      capabilities: { ...claims, conditionalWrites: false },
      async stat(path, { signal } = {}) {
        signal?.throwIfAborted();
        const found = find(path);
        if (found) return fileStat(found);
        if (path === "" || below(`${path}/`).next().done !== true) return directory(path);
        throw new AmlError("not_found", `There is no file ${path}.`, { hint: "List its folder." });
      },
      async *list(folder, { recursive = false, prefix = "", signal } = {}) {
        const root = folder && `${folder}/`;
        let last = "";
        for (const row of below(root + prefix) as Iterable<unknown> as Iterable<Row>) {
          signal?.throwIfAborted();
          const slash = recursive ? -1 : row.path.indexOf("/", root.length);
          const name = slash < 0 ? row.path : row.path.slice(0, slash);
          if (name !== last) yield slash < 0 ? fileStat(row) : directory(name);
          last = slash < 0 ? "" : name;
        }
      },
      async read(path, { range: { offset = 0, length = Infinity } = {}, ifMatch, signal } = {}) {
        signal?.throwIfAborted();
        const found = find(path);
        if (!found) throw new AmlError("not_found", `There is no file ${path}.`);
        if (ifMatch && ifMatch !== found.etag) throw changed(path);
        if (offset > found.bytes.length) throw new AmlError("range_not_satisfiable", `${path} is shorter.`);
        const body = new Blob([found.bytes.slice(offset, offset + length)]).stream();
        return { body: body.pipeThrough(new TransformStream(), signal && { signal }), stat: fileStat(found) };
      },
      async write(path, body, { size, signal } = {}) {
        if (path === "") throw new AmlError("path_invalid", "A file needs a name.");
        const chunks: Uint8Array<ArrayBuffer>[] = [];
        const sink = new WritableStream({ write: (chunk) => void chunks.push(chunk) });
        await body.pipeTo(sink, signal && { signal });
        const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer());
        if (size !== undefined && size !== bytes.length) throw changed(path);
        const stored: Row = { path, bytes, etag: crypto.randomUUID() };
        db.prepare("INSERT OR REPLACE INTO files VALUES (?, ?, ?)").run(path, bytes, stored.etag);
        return fileStat(stored);
      },
      async delete(path, { recursive = false, signal } = {}) {
        signal?.throwIfAborted();
        const folder = recursive ? path && `${path}/` : "\0";
        db.prepare("DELETE FROM files WHERE path = ?1 OR substr(path, 1, length(?2)) = ?2").run(path, folder);
      },
      close: async () => db.close(),
    };
  },
});
