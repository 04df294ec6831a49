import { randomUUID } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Durable when it resolves; until then a reader sees the old file, or none: never a part of the new one. */
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

/** Gone for good when it resolves. */
export async function removeDurably(path: string): Promise<void> {
  await rm(path);
  await syncDir(dirname(path));
}

/** A new name is durable only once its directory is. Windows has no such call, and needs none. */
async function syncDir(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const dir = await open(path, "r");
  try {
    await dir.sync();
  } finally {
    await dir.close();
  }
}
