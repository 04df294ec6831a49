import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "../../../cli/output/failure.ts";
import type { Block } from "../../../shared/chain/block.ts";
import { sealDocument, type SealedDocument } from "../../../shared/client/documents.ts";
import { generateUserKeys, importUserKeys } from "../../../shared/client/user-keys.ts";
import { fromUtf8, utf8 } from "../../../shared/crypto/bytes.ts";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import { exportDocuments } from "../../../cli/documents/export.ts";
import { DocumentFolder } from "../../../cli/documents/folder.ts";
import { Client } from "../../../cli/http/client.ts";
import { VdcClient } from "../../../shared/client/vdc-client.ts";
import { CHAIN_ID } from "../../support/users/accounts.ts";
import { vdc as run } from "../../support/stack/command-line.ts";
import { chainOf, publishing, scratch } from "./chains.ts";
import { calls, deployment, vdc } from "./in-process.ts";
import type { Answered, Served } from "./server.ts";

let documents: readonly (SealedDocument & { readonly cid: string })[];
beforeAll(async () => {
  const user = await importUserKeys(generateUserKeys());
  const made = await Promise.all(
    ["one", "two", "three"].map((text) => sealDocument(CHAIN_ID, utf8(text), user)),
  );
  documents = await Promise.all(
    made
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map(async (document) => ({ ...document, cid: await cidV0(document.bytes) })),
  );
});

const nth = (n: number) => documents[n] as (typeof documents)[number];

/** A deployment with these documents, two on a page of its list. */
function withDocuments(changed: Readonly<Record<string, Answered>> = {}): Promise<Served> {
  const listed = documents.map(({ id, bytes, cid }) => ({
    documentId: id,
    documentCid: cid,
    bytes: bytes.length,
    status: "ok",
    checkedAt: 1,
  }));
  const records = documents.map(({ id, bytes }) => [`GET /api/documents/${id}`, { body: fromUtf8(bytes) }]);
  return deployment({
    "GET /.well-known/vdc.json": {
      body: { chainId: CHAIN_ID, genesisHash: "0".repeat(64), signingKeys: [] },
    },
    "GET /api/storage-verify/status": { body: { documents: { total: 3 } } },
    "GET /api/storage-verify/documents": [
      { body: { documents: listed.slice(0, 2), next: listed[1]?.documentId } },
      { body: { documents: listed.slice(2), next: null } },
    ],
    ...Object.fromEntries(records),
    ...changed,
  });
}

const exported = ({ url }: Served, folder: string) =>
  exportDocuments(new Client(url), new VdcClient(url), new DocumentFolder(folder));

const fetched = (stack: Served) => calls(stack).filter((call) => call.startsWith("GET /api/documents/"));

describe("an export of documents", () => {
  it("has a file for each document of every page, exactly the record's bytes", async () => {
    const folder = join(scratch(), "documents");
    expect(await exported(await withDocuments(), folder)).toMatchObject({ documents: 3, fetched: 3 });
    expect(readdirSync(folder).toSorted()).toEqual(documents.map(({ id }) => `${id}.json`));
    for (const { id, bytes } of documents)
      expect(new Uint8Array(readFileSync(join(folder, `${id}.json`)))).toEqual(bytes);
  });

  it("goes on where it stopped: what is there and sound is not fetched again, what is damaged is", async () => {
    const folder = scratch();
    writeFileSync(join(folder, `${nth(0).id}.json`), nth(0).bytes);
    writeFileSync(join(folder, `${nth(1).id}.json`), nth(1).bytes.subarray(0, 1_000));
    const stack = await withDocuments();
    expect(await exported(stack, folder)).toMatchObject({ documents: 3, fetched: 2 });
    expect(fetched(stack)).toEqual([`GET /api/documents/${nth(1).id}`, `GET /api/documents/${nth(2).id}`]);
    expect(new Uint8Array(readFileSync(join(folder, `${nth(1).id}.json`)))).toEqual(nth(1).bytes);
  });

  it("writes the others and fails when one is another document than its name says", async () => {
    const folder = scratch();
    const stack = await withDocuments({
      [`GET /api/documents/${nth(0).id}`]: { body: fromUtf8(nth(1).bytes) },
    });
    await expect(exported(stack, folder)).rejects.toMatchObject({ exitCode: EXIT.unverified });
    expect(readdirSync(folder).toSorted()).toEqual([`${nth(1).id}.json`, `${nth(2).id}.json`]);
  });

  it("can't say that it is whole while one can't be read", async () => {
    const folder = scratch();
    const lost = { status: 503, problem: "not-configured" };
    const stack = await withDocuments({ [`GET /api/documents/${nth(0).id}`]: lost });
    await expect(exported(stack, folder)).rejects.toMatchObject({ exitCode: EXIT.unknown });
    expect(readdirSync(folder)).toHaveLength(2);
  });
});

/** A deployment with these documents and these blocks. */
async function withChain(blocks: readonly Block[]): Promise<Served> {
  const publish = await publishing(blocks);
  const paths = ["/api/vdc/latest", ...blocks.map(({ blockNumber }) => `/api/vdc/blocks/${blockNumber}`)];
  const answers = paths.map((path) => [
    `GET ${path}`,
    publish({ method: "GET", path, headers: {}, body: "" }),
  ]);
  return withDocuments(Object.fromEntries(answers));
}

describe("vdc export --documents", () => {
  it("goes on with --state: an export after the first reads new blocks and no document again", async () => {
    const [directory, chain] = [scratch(), await chainOf(3)];
    const folder = join(directory, "documents");
    const again = [join(directory, "chain.car"), "--state", join(directory, "chain.state"), "--yes"];
    const exportInto = async (stack: Served) => {
      const { code, stdout } = await vdc(stack, "export", ...again, "--documents", folder, "--json");
      return { code, ...(JSON.parse(stdout) as object) };
    };
    expect(await exportInto(await withChain(chain.slice(0, 2)))).toMatchObject({
      code: EXIT.ok,
      blocks: 2,
      documents: { folder, documents: 3, fetched: 3 },
    });
    const stack = await withChain(chain);
    expect(await exportInto(stack)).toMatchObject({
      code: EXIT.ok,
      blocks: 3,
      documents: { folder, documents: 3, fetched: 0 },
    });
    expect(fetched(stack)).toEqual([]);
    expect(calls(stack)).not.toContain("GET /api/vdc/blocks/0");
  });

  it("writes them beside an export to stdout, whose bytes are the chain's alone", async () => {
    const [directory, chain] = [scratch(), await chainOf(2)];
    const [folder, file] = [join(directory, "documents"), join(directory, "chain.car")];
    await vdc(await withChain(chain), "export", file);
    const { code, output, stderr } = await vdc(await withChain(chain), "export", "-", "--documents", folder);
    expect({ code, stderr }).toEqual({ code: EXIT.ok, stderr: expect.stringContaining(`3 in ${folder}`) });
    expect(readFileSync(file).equals(output)).toBe(true);
    expect(readdirSync(folder)).toHaveLength(3);
  });

  it("fails without the operator's secret, before anything is read or written", async () => {
    const directory = scratch();
    const stack = await withChain(await chainOf(1));
    const file = join(directory, "chain.car");
    const { code } = await run(
      ["export", file, "--documents", join(directory, "documents"), "--url", stack.url],
      { VDC_ADMIN_SECRET_FILE: join(directory, "no-such-file") },
    );
    expect(code).toBe(EXIT.refused);
    expect(stack.asked).toEqual([]);
    expect(readdirSync(directory)).toEqual([]);
  });
});

const answer = (status: string) => ({ body: { report: { status, message: status } } });

function folderOf(): string {
  const folder = scratch();
  for (const { id, bytes } of documents) writeFileSync(join(folder, `${id}.json`), bytes);
  writeFileSync(join(folder, "README.txt"), "not a document");
  return folder;
}

describe("vdc storage bring-documents", () => {
  it("gives every document of the folder back, and nothing else", async () => {
    const stack = await deployment({
      [`PUT /api/storage-verify/documents/${nth(0).id}`]: answer("ok"),
      [`PUT /api/storage-verify/documents/${nth(1).id}`]: answer("rehydrated"),
      [`PUT /api/storage-verify/documents/${nth(2).id}`]: answer("rehydrated"),
    });
    const { code, stdout } = await vdc(stack, "storage", "bring-documents", folderOf(), "--json");
    expect({ code, ...(JSON.parse(stdout) as object) }).toMatchObject({
      code: 0,
      documents: 3,
      sound: 1,
      restored: 2,
    });
    const sent = new Map(stack.asked.map(({ path, body }) => [path, body]));
    for (const { id, bytes } of documents)
      expect(sent.get(`/api/storage-verify/documents/${id}`)).toBe(fromUtf8(bytes));
    expect(stack.asked).toHaveLength(3);
  });

  it("gives the others back when one is refused, and fails", async () => {
    const stack = await deployment({
      [`PUT /api/storage-verify/documents/${nth(0).id}`]: { status: 403, problem: "not-registered" },
      [`PUT /api/storage-verify/documents/${nth(1).id}`]: answer("ok"),
      [`PUT /api/storage-verify/documents/${nth(2).id}`]: answer("ok"),
    });
    const { code, stderr } = await vdc(stack, "storage", "bring-documents", folderOf());
    expect(code).toBe(EXIT.refused);
    expect(stderr).toContain(`document ${nth(0).id}`);
    expect(stack.asked).toHaveLength(3);
  });
});
