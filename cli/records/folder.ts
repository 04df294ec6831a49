import { appendFile, mkdir, opendir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { utf8 } from "../../shared/crypto/bytes.ts";
import { canonicalText } from "../../shared/crypto/canonical.ts";
import {
  bytesOfRecord,
  jsonIn,
  recordKey,
  StoredRecord,
  type RecordKind,
} from "../../shared/storage/records.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { explain, writeWhole } from "../files/write-whole.ts";

const KeptRecord = v.strictObject({ version: v.nullable(v.string()), record: StoredRecord });
/** A record, and the version of it that the deployment had. */
export type KeptRecord = v.InferOutput<typeof KeptRecord>;

/**
 * A folder of exported records: `{kind}/{id}.json`, where a slash in an id is `%2F`. When a file was last seen in the deployment is
 * its modification time, so that an export finds those that vanished without keeping a list of all in memory.
 */
export class RecordFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async make(kind?: RecordKind): Promise<void> {
    const folder = kind === undefined ? this.path : join(this.path, kind);
    await mkdir(folder, { recursive: true }).catch(explain(folder));
  }

  /** The ids of a kind, in no order; other files are passed over. A kind without a folder has none. */
  async *ids(kind: RecordKind): AsyncGenerator<string> {
    const path = join(this.path, kind);
    const folder = await opendir(path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      return explain(path)(error);
    });
    if (folder === undefined) return;
    for await (const { name } of folder) {
      const id = name.endsWith(".json") ? decodeURIComponent(name.slice(0, -".json".length)) : "";
      if (recordKey(kind, id) !== undefined) yield id;
    }
  }

  /** `undefined` when there is no file. @throws CommandFailure for a file that is not the record as it was exported */
  async read(kind: RecordKind, id: string): Promise<KeptRecord | undefined> {
    const file = this.#fileOf(kind, id);
    let bytes: Uint8Array;
    try {
      bytes = await readFile(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      return explain(file)(error);
    }
    const kept = v.safeParse(KeptRecord, jsonIn(bytes));
    const isSound =
      kept.success &&
      kept.output.record.kind === kind &&
      kept.output.record.id === id &&
      typeof (await bytesOfRecord(kept.output.record)) !== "string";
    if (!isSound)
      throw new CommandFailure(
        `${file} is not the record that was exported: delete it, and export again`,
        EXIT.unverified,
      );
    return kept.output;
  }

  write(kept: KeptRecord): Promise<void> {
    return writeWhole(this.#fileOf(kept.record.kind, kept.record.id), utf8(canonicalText(kept)));
  }

  /**
   * Returns a mark for the records that this export sees: a time in whole seconds, since some file systems keep no more. It is
   * later than the mark of every earlier export into this folder, also of one in the same second.
   */
  async nextMark(): Promise<number> {
    const file = join(this.path, ".last-export");
    await mkdir(this.path, { recursive: true }).catch(explain(this.path));
    await appendFile(file, "").catch(explain(file));
    const { size, mtimeMs } = await stat(file);
    const now = Math.floor(Date.now() / 1_000) * 1_000;
    const mark = size === 0 ? now : Math.max(now, Math.round(mtimeMs / 1_000) * 1_000 + 1_000);
    await writeFile(file, "The modification time of this file is the mark of the last export.\n");
    await utimes(file, mark / 1_000, mark / 1_000).catch(explain(file));
    return mark;
  }

  /** @param at milliseconds since the epoch */
  async noteSeen(kind: RecordKind, id: string, at: number): Promise<void> {
    const file = this.#fileOf(kind, id);
    await utimes(file, at / 1_000, at / 1_000).catch(explain(file));
  }

  /** Whether the file was seen in the deployment at this time. */
  async wasSeen(kind: RecordKind, id: string, at: number): Promise<boolean> {
    const { mtimeMs } = await stat(this.#fileOf(kind, id));
    return Math.abs(mtimeMs - at) < 1;
  }

  async remove(kind: RecordKind, id: string): Promise<void> {
    await rm(this.#fileOf(kind, id));
  }

  #fileOf(kind: RecordKind, id: string): string {
    return join(this.path, kind, `${encodeURIComponent(id)}.json`);
  }
}
