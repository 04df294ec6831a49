import { open, rename, rm } from "node:fs/promises";
import { CommandFailure } from "../output/failure.ts";
import { isOfTheSystem, whyNot } from "./why-not.ts";

/** The file is there whole when this resolves; until then a reader sees the old one, or none. */
export async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${file}.${process.pid}.partial`;
  try {
    const handle = await open(temporary, "w");
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    explain(file)(error);
  }
}

/** Rethrows what the file system says as advice; anything else as it is. */
export function explain(file: string): (error: unknown) => never {
  return (error) => {
    if (!isOfTheSystem(error)) throw error;
    throw new CommandFailure(`${file} can't be read or written, for ${whyNot(error)}: choose another folder`);
  };
}
