import { refusal } from "./file-refusal.ts";
import { factsOf, fileTime, toNodeMetadata } from "./file-headers.ts";
import { md5Of, parseRange, parseWholeRange } from "./byte-range.ts";
import { checkLease, checkLeaseToRead } from "./leases.ts";
import { answer, headersOf, nodeAt, xmlAnswer, type NodeCall, type NodeOperation } from "./operation.ts";

const LARGEST = 4 * 1024 * 1024;

/**
 * `PUT /SHARE/PATH?comp=range`: writes or clears a range. One from a URL is refused.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/put-range, read 2026-11
 */
export const putRange: NodeOperation = async (call) => {
  const { share, path, request } = call;
  const { headers } = request;
  if (headers.has("x-ms-copy-source")) throw refusal("UnsupportedHeader", { HeaderName: "x-ms-copy-source" });
  const announced = Number(headers.get("content-length") ?? 0);
  if (announced > LARGEST) throw refusal("RequestBodyTooLarge", { MaxLimit: String(LARGEST) });
  const body = new Uint8Array(await request.arrayBuffer());
  // Only now: the file may have changed while the body came.
  const node = nodeAt(call, "file");
  checkLease(share, node, headers.get("x-ms-lease-id"));
  const { start, end } = parseWholeRange(headers, node.size);
  switch (headers.get("x-ms-write")?.toLowerCase()) {
    case "update": {
      if (body.byteLength !== end - start) {
        throw refusal("InvalidHeaderValue", { HeaderName: "Content-Length" });
      }
      const md5 = md5Of(body);
      const given = headers.get("content-md5");
      if (given !== null && given !== md5) throw refusal("Md5Mismatch");
      share.tree.write(path, start, body);
      return written(call, { "content-md5": md5 });
    }
    case "clear":
      if (body.byteLength > 0) throw refusal("InvalidHeaderValue", { HeaderName: "Content-Length" });
      share.tree.clear(path, start, end - start);
      return written(call, {});
    default:
      throw refusal("InvalidHeaderValue", { HeaderName: "x-ms-write" });
  }
};

function written({ share, path, request, state }: NodeCall, more: Record<string, string>): Response {
  const node = share.tree.stat(path);
  if (!node) throw refusal("ResourceNotFound");
  const facts = factsOf(node);
  if (request.headers.get("x-ms-file-last-write-time") !== "preserve") {
    const smb = { ...facts.smb, "x-ms-file-last-write-time": fileTime(state.now()) };
    const updated = share.tree.update(path, { metadata: toNodeMetadata({ ...facts, smb }) });
    return answer(201, { ...headersOf(share, updated), ...more });
  }
  return answer(201, { ...headersOf(share, node), ...more });
}

/** `GET /SHARE/PATH?comp=rangelist` */
export const listRanges: NodeOperation = (call) => {
  const { share, path, request, route } = call;
  const node = nodeAt(call, "file");
  if (route.query.has("prevsharesnapshot")) throw refusal("UnsupportedQueryParameter");
  checkLeaseToRead(share, node, request.headers.get("x-ms-lease-id"));
  const text = request.headers.get("x-ms-range") ?? request.headers.get("range");
  const { start, end } = text === null ? { start: 0, end: node.size } : parseRange(text, node.size);
  const ranges = share.tree
    .ranges(path, { offset: start, length: end - start })
    .map(
      ({ offset, length = 0 }) => `<Range><Start>${offset}</Start><End>${offset + length - 1}</End></Range>`,
    );
  const { etag = "", "last-modified": modified = "" } = headersOf(share, node);
  return xmlAnswer(`<Ranges>${ranges.join("")}</Ranges>`, {
    etag,
    "last-modified": modified,
    "x-ms-content-length": String(node.size),
  });
};
