import { importBytes, importer } from "ipfs-unixfs-importer";
import { Directory } from "../../../cli/car/directory.ts";
import { utf8 } from "../../../shared/crypto/bytes.ts";

const PROFILE = { profile: "unixfs-v0-2015", fileImportConcurrency: 1, blockWriteConcurrency: 1 } as const;

/** A part that is stored: its CID. In the order in which it was. */
type Parts = string[];

/** The parts of the directory, the root last, without those of its files. */
export async function ourDirectory(names: readonly string[]): Promise<Parts> {
  const parts: Parts = [];
  const directory = new Directory();
  try {
    for (const name of names) {
      const nowhere = { put: async (cid: never) => cid };
      const { cid, size } = await importBytes(contentOf(name), nowhere, PROFILE);
      await directory.add({ name, cid, size: Number(size) });
    }
    await directory.write(async (cid) => parts.push(cid.toString()));
    return parts;
  } finally {
    directory.close();
  }
}

/** The same by the importer, which keeps the whole directory in memory. */
export async function importersDirectory(names: readonly string[]): Promise<Parts> {
  const parts: Parts = [];
  const store = {
    async put<T>(cid: T) {
      parts.push(String(cid));
      return cid;
    },
  };
  const candidates = names.map((name) => ({ path: name, content: contentOf(name) }));
  await Array.fromAsync(importer(candidates, store, { ...PROFILE, wrapWithDirectory: true }));
  return parts.slice(names.length); // each file is one part
}

function contentOf(name: string): Uint8Array {
  return utf8(`content of ${name}`);
}

export function blockNames(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${n}.json`);
}
