import { r2Keys } from "../../../shared/storage/layout.ts";
import type { Stack } from "../platform/stack.ts";
import type { Promised } from "./promised.ts";

const KEPT = "a document is kept";
const PREFIX = r2Keys.document("").replace(".json", "");

/** Holds at any moment: R2 has every document that VDC answered for, byte for byte. */
export function checkDocuments({ r2, world }: Stack, promised: Promised): void {
  for (const [id, { bytes }] of promised.documents) {
    const stored = r2.truth(r2Keys.document(id))?.bytes;
    if (stored === undefined || !Buffer.from(stored).equals(bytes))
      world.broken(KEPT, `R2 does not have document ${id}`);
  }
}

/**
 * Holds at rest: R2 and IPFS have the same documents, and the index has all of them. A pin that the service lost counts
 * as kept.
 */
export function checkPinnedDocuments(stack: Stack, promised: Promised): void {
  const { r2, pinning, world } = stack;
  checkDocuments(stack, promised);
  const indexed = new Map(
    stack
      .object("DocumentIndex", stack.chainId)
      .rows<{ id: string; cid: string }>("SELECT id, cid FROM document")
      .map(({ id, cid }) => [r2Keys.document(id), cid]),
  );
  const needed = new Set<string>();
  for (const key of r2.keys(PREFIX)) {
    const { customMetadata: { cid = "" } = {}, bytes } = r2.truth(key) ?? {};
    needed.add(cid);
    if (indexed.get(key) !== cid) world.broken(KEPT, `the index does not know ${key} as ${cid}`);
    const pinned = pinning.truth(cid);
    const isSame = pinned !== undefined && bytes !== undefined && Buffer.from(pinned).equals(bytes);
    if (!isSame && !pinning.hasLost(cid)) world.broken(KEPT, `${key} is not pinned as ${cid}`);
  }
  for (const [id, { cid }] of promised.documents)
    if (!needed.has(cid)) world.broken(KEPT, `document ${id} is not stored as ${cid}`);
  for (const { cid, keyvalues } of pinning.pins())
    if (keyvalues.documentsOf !== undefined && !needed.has(cid))
      world.broken("everything is tidied up", `${cid} is pinned, and no document's`);
}
