import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { leafHash, merkleRoot } from "../../../../shared/chain/merkle.ts";
import { base64, concat, fromBase64, fromHex, hex, utf8 } from "../../../../shared/crypto/bytes.ts";
import { importEd25519Seed } from "../../../../shared/crypto/ed25519.ts";
import { sha256, sha256Hex } from "../../../../shared/crypto/hash.ts";
import { ed25519Signer, mlDsaCosignedMessage } from "../../../../shared/tlog/cosignature.ts";
import { entryBundle } from "../../../../shared/tlog/entries.ts";
import { signatureLine } from "../../../../shared/tlog/note.ts";
import { newTiles, TileTree } from "../../../../shared/tlog/tile-tree.ts";
import { vkeyText } from "../../../../shared/tlog/vkey.ts";
import { memoryTiles } from "../../../support/chain/memory-tiles.ts";

// The entries and answers were made once and checked with Debian's golang.org/x/mod/sumdb; they never change.
const path = join(import.meta.dirname, "../../../fixtures/c2sp/known-answers.json");
const fixture = JSON.parse(readFileSync(path, "utf8")) as { blocks: string[]; transactions: string[] };
const blocks = fixture.blocks.map(fromHex);
const transactions = fixture.transactions.map(fromBase64);

const ORIGIN = "vdc.example/chain";
const root = merkleRoot(blocks.map(leafHash));
const checkpoint = { origin: ORIGIN, size: 4, root: Uint8Array.from(root) };

describe("the known answers of the log of blocks", () => {
  it("has the root of four entries, and the root of two", () => {
    expect(base64(root)).toBe("PvMx8/NwCi4Sj/iAVvKq55fGjDPqYdoRnegH+TojFA0=");
    expect(base64(merkleRoot(blocks.slice(0, 2).map(leafHash)))).toBe(
      "YRVl9rdR93jYXEl9SFv/bLhoDgO4ssdxie+LgLFxDUA=",
    );
  });

  it("has the tile and the entry bundle", async () => {
    const tiles = await newTiles(0, blocks.map(leafHash), memoryTiles().read);
    expect(tiles.map(({ bytes, ...tile }) => ({ ...tile, sha256: sha256Hex(bytes) }))).toEqual([
      {
        level: 0,
        index: 0,
        width: 4,
        sha256: "fd1d758ef46fa5ed86f44a6f8e45c419efe89016076eeb5327c8cff4bbdbc161",
      },
    ]);
    expect(sha256Hex(entryBundle(blocks))).toBe(
      "b353549d171a803fd307b2f1fe850778f16a8f9e99e2ed98d07fdab63b85217e",
    );
  });

  it("has the path of entry 1", async () => {
    const { read, add } = memoryTiles();
    await add(0, blocks);
    const proof = await new TileTree(4, read).inclusionProof(1);
    expect(proof.map(base64)).toEqual([
      "mEx7dM3a4/trDrBf4fQJAcFZy+SZvhvgYUSTCGk0JxE=",
      "TTrJSi47iBXXQLl0g+6OPHAsoH7yITSwbllyFuPCmPk=",
    ]);
  });

  it("has the Ed25519 key and its signature line", async () => {
    const secret = await importEd25519Seed(sha256(utf8("vdc worked example: log ed25519")));
    const signer = ed25519Signer(ORIGIN, secret);
    expect(vkeyText(signer.key)).toBe(
      "vdc.example/chain+3d92f992+AVTuiR+QxIm0+pj7qDck/VnvcTZdmrwZT4ynhd2gJZxg",
    );
    expect(signatureLine(await signer.sign(checkpoint, 1))).toBe(
      "\u2014 vdc.example/chain PZL5kpI7wACXg6nm/0LH7IksBOfB0guwcRG/LD+J6LYwlY3IrRkhBL3QeeEUn+cIWEoDwzhYtMHuwVcY8Wt4EglHkQc=\n",
    );
  });

  it("has the message that ML-DSA-44 signs", () => {
    const message = mlDsaCosignedMessage(ORIGIN, checkpoint, 1_788_220_900);
    expect(message).toHaveLength(104);
    expect(sha256Hex(message)).toBe("82542dd417829a41d323ff88ff6d3e6d6fa681252406231cc0d561851acd7331");
  });
});

describe("the known answers of the log of transactions", () => {
  it("has the root of seven entries", () => {
    expect(base64(merkleRoot(transactions.map(leafHash)))).toBe(
      "dyZqLKwSrwew9G3U5twzNbs0WTWL8Qu4jbXPe96uP6c=",
    );
  });

  it("has the path of the first transaction of block 1", async () => {
    const { read, add } = memoryTiles();
    await add(0, transactions);
    const proof = await new TileTree(7, read).inclusionProof(1);
    expect(proof.map(base64)).toEqual([
      "5BNq/NI6tjZXW3wjVbRy03PIziA3x7v8kLzLKSGA6Kw=",
      "xbkLfUpfKZwKL5ltZnJDa9u7jkY3huFTacx4ojsZ5kA=",
      "bPur7y20ZB83fLvnVyBehRSsA5w0bOl/m8rn1b/A4s8=",
    ]);
  });
});

describe("a key's id", () => {
  it("is the beginning of the hash of name, type and key", async () => {
    const secret = await importEd25519Seed(sha256(utf8("vdc worked example: log ed25519")));
    const { id, publicKey } = ed25519Signer(ORIGIN, secret).key;
    expect(id).toBe(hex(sha256(concat(utf8(`${ORIGIN}\n`), Uint8Array.of(1), publicKey)).subarray(0, 4)));
  });
});
