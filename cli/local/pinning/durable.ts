import { randomUUID } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * Writes a file. It is durable when this resolves; until then a reader sees the old file or none, never a part of the new
 * one.
 */
export async function writeDurably(path: string, bytes: Uint8Array, temporaryDir: string): Promise<void> {
  const temporary = join(temporaryDir, randomUUID());
  const file = await open(temporary, "wx");
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncDir(dirname(path));
}

/** Removes a file. The removal is durable when this resolves. */
export async function removeDurably(path: string): Promise<void> {
  await rm(path);
  await syncDir(dirname(path));
}

/** Makes a new name durable, which needs a sync of its directory. Windows has no such call, and needs none. */
async function syncDir(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const dir = await open(path, "r");
  try {
    await dir.sync();
  } finally {
    await dir.close();
  }
}
