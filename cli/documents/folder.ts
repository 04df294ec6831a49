import { mkdir, opendir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { MAX_RECORD_BYTES } from "../../shared/chain/document.ts";
import { CommandFailure } from "../output/failure.ts";
import { isOfTheSystem, whyNot } from "../files/why-not.ts";
import { explain, writeWhole } from "../files/write-whole.ts";

const FILE_NAME = /^([0-9a-f]{64})\.json$/;

/**
 * A folder of exported documents: `{id}.json` for each, exactly the record's bytes, as R2 has it under `documents/`. Each file
 * proves itself: its name is the hash of its envelope, and its owner has signed it.
 */
export class DocumentFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async make(): Promise<void> {
    await mkdir(this.path, { recursive: true }).catch(explain(this.path));
  }

  fileOf(id: string): string {
    return join(this.path, `${id}.json`);
  }

  /** The documents' ids, in no order; other files are passed over. */
  async *ids(): AsyncGenerator<string> {
    const folder = await opendir(this.path).catch(explain(this.path));
    for await (const { name } of folder) {
      const id = FILE_NAME.exec(name)?.[1];
      if (id !== undefined) yield id;
    }
  }

  /** The bytes of a document's file; `undefined` when there is none. @throws CommandFailure for one that no document can be */
  async read(id: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const file = this.fileOf(id);
    try {
      if ((await stat(file)).size > MAX_RECORD_BYTES)
        throw new CommandFailure(`${file} is larger than a document can be`);
      return new Uint8Array(await readFile(file));
    } catch (error) {
      if (isOfTheSystem(error) && error.code === "ENOENT") return undefined;
      throw isOfTheSystem(error) ? new CommandFailure(`${file} can't be read, for ${whyNot(error)}`) : error;
    }
  }

  /** The file is there whole when this resolves. */
  write(id: string, bytes: Uint8Array): Promise<void> {
    return writeWhole(this.fileOf(id), bytes);
  }
}
