import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Client } from "../../../cli/http/client.ts";
import { exportRecords } from "../../../cli/records/export.ts";
import { RecordFolder } from "../../../cli/records/folder.ts";
import { utf8 } from "../../../shared/crypto/bytes.ts";
import { archiveBytes, archiveIn, type PrivateArchive } from "../../../shared/storage/private-archive.ts";
import { bytesOfRecord, storedRecord, type RecordKind } from "../../../shared/storage/records.ts";

const txIdOf = (n: number) => `vdc_tx_${n.toString(16).padStart(40, "0")}`;
const TX = txIdOf(1);

const envelopesOf = (...txIds: readonly string[]) =>
  Object.fromEntries(
    txIds.map((txId) => [
      txId,
      {
        v: 1,
        suite: "HPKE-0041-0001-0002",
        kid: "a".repeat(64),
        txId,
        enc: "A".repeat(1_451),
        ct: "A".repeat(22),
      },
    ]),
  );

/** Records that the deployment has in one place only, by kind and id. */
let stored: Map<string, Uint8Array<ArrayBuffer>>;
/** Runs before each list that the deployment gives. */
let beforeList: (kind: string) => void;
let folder: RecordFolder;

beforeEach(() => {
  folder = new RecordFolder(mkdtempSync(join(tmpdir(), "vdc-export-records-")));
  stored = new Map();
  beforeList = () => {};
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder.path, { recursive: true, force: true });
});

/** Each a minute after the one before. */
function exportAll() {
  vi.setSystemTime(Date.now() + 60_000);
  return exportRecords(operator, folder);
}

const put = (kind: RecordKind, id: string, bytes: Uint8Array<ArrayBuffer>) =>
  stored.set(`${kind}/${id}`, bytes);
const putArchive = (archive: Partial<PrivateArchive>) =>
  put("private_archive", "7", archiveBytes({ blockNumber: 7, envelopes: {}, missing: [], ...archive }));

const operator = {
  call(_route: string, { query: { kind } }: { query: { kind: string } }) {
    beforeList(kind);
    const records = [...stored]
      .filter(([key]) => key.startsWith(`${kind}/`))
      .map(([key, bytes]) => ({ id: key.slice(kind.length + 1), version: String(bytes.length) }));
    return Promise.resolve({ records, next: null });
  },
  async find(_route: string, { params: { kind, recordId = "" } }: Asked) {
    if (kind === undefined) return { state: "mined" };
    const bytes = stored.get(`${kind}/${recordId}`);
    return bytes && storedRecord(kind, recordId, bytes);
  },
} as unknown as Client;

interface Asked {
  readonly params: { readonly kind?: RecordKind; readonly recordId?: string };
}

async function exportedArchive(): Promise<PrivateArchive | undefined> {
  const kept = await folder.read("private_archive", "7");
  const bytes = kept && (await bytesOfRecord(kept.record));
  return typeof bytes === "object" ? archiveIn(bytes) : undefined;
}

describe("an export of records", () => {
  it("keeps a private part that the deployment's archive has lost, and fails until it is back", async () => {
    putArchive({ envelopes: envelopesOf(TX) });
    await exportAll();
    for (const lost of [{ missing: [TX] }, { envelopes: { [TX]: { damaged: "AA" } } }]) {
      putArchive(lost);
      for (const _ of [1, 2]) await expect(exportAll()).rejects.toMatchObject({ exitCode: 6 });
      expect(await exportedArchive()).toMatchObject({ envelopes: envelopesOf(TX) });
    }
    put("private_archive", "7", utf8("no archive"));
    await expect(exportAll()).rejects.toMatchObject({ exitCode: 6 });
    expect(await exportedArchive()).toMatchObject({ envelopes: envelopesOf(TX) });
    putArchive({ envelopes: envelopesOf(TX) });
    await expect(exportAll()).resolves.toMatchObject({ records: 1 });
  });

  it("forgets a private part that was erased, also while another one is lost", async () => {
    const lost = txIdOf(2);
    putArchive({ envelopes: envelopesOf(TX, lost) });
    await exportAll();
    putArchive({ erased: [TX] });
    await expect(exportAll()).rejects.toMatchObject({ exitCode: 6 });
    expect(await exportedArchive()).toMatchObject({ envelopes: envelopesOf(lost), erased: [TX] });
  });

  it("has a transaction in its block's archive when it is mined during the export", async () => {
    put("pending_transaction", TX, utf8("{}"));
    await exportAll();
    beforeList = (kind) => {
      if (kind !== "pending_transaction") return;
      putArchive({ envelopes: envelopesOf(TX) });
      stored.delete(`pending_transaction/${TX}`);
    };
    await exportAll();
    expect(await folder.read("pending_transaction", TX)).toBeUndefined();
    expect(await exportedArchive()).toMatchObject({ envelopes: envelopesOf(TX) });
  });
});
