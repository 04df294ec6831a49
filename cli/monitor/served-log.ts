import { fromUtf8, readAtMost } from "../../shared/crypto/bytes.ts";
import { MAX_NOTE_BYTES } from "../../shared/tlog/note.ts";
import type { TileReader } from "../../shared/tlog/tile-tree.ts";
import { HASH_BYTES, TILE_WIDTH, tilePath } from "../../shared/tlog/tiles.ts";
import { unreachable } from "../http/client.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";

const TIMEOUT_MS = 30_000;

/** A deployment's logs as anyone reads them: unverified. An answer is read up to a limit. */
export class ServedLog {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** @returns `undefined` when there is none @throws CommandFailure when the deployment does not answer */
  async text(path: "checkpoint" | "tx/checkpoint" | "keys.json"): Promise<string | undefined> {
    const bytes = await this.#read(path, MAX_NOTE_BYTES);
    if (bytes === undefined) return undefined;
    try {
      return fromUtf8(bytes);
    } catch {
      return "\u0000"; // no text: as a note or as JSON it is malformed
    }
  }

  /** @param prefix "" or "tx/" */
  tiles(prefix: "" | "tx/"): TileReader {
    return async (tile) => {
      const path = `${prefix}${tilePath(tile)}`;
      const bytes = await this.#read(path, TILE_WIDTH * HASH_BYTES);
      if (bytes === undefined)
        throw new CommandFailure(
          `${this.#url} does not serve /log/${path}, which its checkpoint covers`,
          EXIT.unknown,
        );
      return bytes;
    };
  }

  async #read(path: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const address = `${this.#url}/log/${path}`;
    let response: Response;
    let bytes: Uint8Array<ArrayBuffer> | undefined;
    try {
      response = await fetch(address, { redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (!response.ok) {
        await response.body?.cancel();
        if (response.status === 404) return undefined;
        throw new CommandFailure(`${address} answered ${response.status}: ask again`, EXIT.unknown);
      }
      bytes = await readAtMost(response.body, maxBytes);
    } catch (error) {
      if (error instanceof CommandFailure) throw error;
      throw unreachable(this.#url, error);
    }
    if (bytes === undefined)
      throw new CommandFailure(`${address} answered more than ${maxBytes} bytes`, EXIT.unknown);
    return bytes;
  }
}
