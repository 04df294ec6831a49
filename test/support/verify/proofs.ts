import { importKey, makeAuthority } from "../../../cli/local/tsa/certificates.ts";
import { grantedResponse, readRequest } from "../../../cli/local/tsa/token.ts";
import { blockBytes, type Block } from "../../../shared/chain/block.ts";
import { inclusionProof, leafHash, merkleRoot } from "../../../shared/chain/merkle.ts";
import { transactionBytes, type Transaction } from "../../../shared/chain/transaction.ts";
import { base64url, fromHex, hex, utf8 } from "../../../shared/crypto/bytes.ts";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import { importEd25519Seed } from "../../../shared/crypto/ed25519.ts";
import { sha256, sha256Hex } from "../../../shared/crypto/hash.ts";
import { pemOf } from "../../../shared/timestamp/certificate.ts";
import { timestampRequest } from "../../../shared/timestamp/request.ts";
import { parseCheckpoint } from "../../../shared/tlog/checkpoint.ts";
import { ed25519Cosigner } from "../../../shared/tlog/cosignature.ts";
import { endorse } from "../../../shared/tlog/endorsement.ts";
import { loadLogKeyring, type LogKeyring } from "../../../shared/tlog/log-keyring.ts";
import { parseNote, signatureLine } from "../../../shared/tlog/note.ts";
import { vkeyText } from "../../../shared/tlog/vkey.ts";
import type { KeyStatement, VdcProof } from "../../../shared/verify/bundle.ts";
import {
  CHAIN_ID,
  genesis,
  payment,
  contents,
  revocation,
  rotation,
  signedBy,
  signerOf,
  TestChain,
} from "../chain/chain.ts";

export const ORIGIN = "vdc.example/log";
export const AUTHORITY = "tsa.example";
export const DOCUMENT = utf8("the deed of house 17\n");
export const NOW = Date.UTC(2026, 10, 22, 12);
const NONCE = Uint8Array.of(0x4a, 1, 2, 3, 4, 5, 6, 7);
const KEY_TYPES = ["genesis", "key_rotation", "key_revocation"];

export interface ProvedChain {
  readonly proof: VdcProof;
  readonly genesisHash: string;
  /** C2SP tlog-policy with the witness, without pinned logs. */
  readonly witnesses: string;
  /** The four keys of the two logs. */
  readonly vkeys: readonly string[];
  readonly issuers: Readonly<Record<string, string>>;
  readonly head: { readonly blockNumber: number; readonly hash: string };
}

/**
 * Makes a chain with a rotation and a revocation, its two logs, a witness and a time stamp, and a proof of the user's
 * transaction in block 1.
 * @param revokedFrom first block for which the retired key is not trusted: 3 leaves every block trusted
 */
export async function provedChain(revokedFrom = 3): Promise<ProvedChain> {
  const [first, second, user] = [await signerOf("first"), await signerOf("second"), await signerOf("user")];
  const chain = new TestChain();
  await chain.add([genesis(first)], first);
  const data = { assetId: "deed-17", documentHash: sha256Hex(DOCUMENT) };
  const record = await signedBy(user, contents({ type: "asset_creation", data }));
  await chain.add([payment("a"), record, payment("b")], first);
  await chain.add([rotation(second), payment("c")], first);
  await chain.add([revocation(first, revokedFrom)], second);
  await chain.add([payment("d")], second);
  const { blocks } = chain;
  const keyring = await logKeyring();
  const signers = [keyring.signer(ORIGIN), keyring.signer(`${ORIGIN}/tx`)] as const;
  const vkeys = [...signers[0].vkeys, ...signers[1].vkeys];
  const genesisHash = at(blocks, 0).hash;
  const statement = { chainId: CHAIN_ID, genesisHash, origin: ORIGIN, vkeys, fromSize: 0 };
  const hashes = blocks.map(({ hash }) => fromHex(hash));
  const records = blocks.flatMap(({ transactions }) => transactions.map(transactionBytes));
  const witness = ed25519Cosigner("witness.example", await importEd25519Seed(sha256(utf8("witness"))));
  const note = async (signer: (typeof signers)[number], entries: readonly Uint8Array[]) => {
    const text = await signer.sign(
      { size: entries.length, root: new Uint8Array(merkleRoot(entries.map(leafHash))) },
      NOW / 1_000,
    );
    return text + signatureLine(await witness.sign(parseCheckpoint(parseNote(text).text), NOW / 1_000));
  };
  const authority = await makeAuthority(NOW);
  const stamped = await signers[0].sign(
    { size: 3, root: new Uint8Array(merkleRoot(hashes.slice(0, 3).map(leafHash))) },
    NOW / 1_000,
  );
  const token = await grantedResponse(readRequest(timestampRequest(utf8(stamped), NONCE)), NOW, {
    certificate: authority.certificate,
    key: await importKey(authority.key),
  });
  const holder = at(blocks, 1);
  const head = at(blocks, 4);
  const entry = records.findIndex((bytes) => bytes.join() === transactionBytes(record).join());
  return {
    genesisHash,
    vkeys,
    witnesses: `witness one ${vkeyText(witness.key)}\nquorum one\n`,
    issuers: { [AUTHORITY]: pemOf(authority.issuer) },
    head: { blockNumber: 4, hash: head.hash },
    proof: {
      format: "vdc-proof@1",
      chainId: CHAIN_ID,
      genesisHash,
      ...placed(holder, 1),
      block: { ...signedHeader(holder), cid: await cidV0(blockBytes(holder)) },
      head: { ...signedHeader(head), path: pathIn(hashes.slice(0, 4), 1) },
      logs: {
        blocks: { checkpoint: await note(signers[0], hashes), path: pathIn(hashes, 1) },
        transactions: {
          checkpoint: await note(signers[1], records),
          index: entry,
          path: pathIn(records, entry),
        },
      },
      logKeys: [await endorse(statement, second)],
      keys: blocks.flatMap(keyStatements),
      timestamps: [
        {
          authority: AUTHORITY,
          checkpoint: stamped,
          path: pathIn(hashes.slice(0, 3), 1),
          token: base64url(token),
        },
      ],
    },
  };
}

function logKeyring(): Promise<LogKeyring> {
  const [ed25519, mlDsa44] = ["log ed25519", "log ml-dsa"].map((name) => base64url(sha256(utf8(name))));
  return loadLogKeyring(JSON.stringify({ ed25519, mlDsa44 }));
}

function keyStatements(block: Block): KeyStatement[] {
  return block.transactions.flatMap(({ type }: Transaction, index) =>
    KEY_TYPES.includes(type) ? [{ ...signedHeader(block), ...placed(block, index) }] : [],
  );
}

function placed(block: Block, index: number): Pick<KeyStatement, "transaction" | "index" | "merklePath"> {
  const entries = block.transactions.map(transactionBytes);
  return { transaction: base64url(at(entries, index)), index, merklePath: pathIn(entries, index) };
}

function signedHeader(block: Block): Pick<KeyStatement, "header" | "blockSignature"> {
  const { hash: _, transactions: __, blockSignature, ...header } = block;
  return { header, blockSignature };
}

function pathIn(entries: readonly Uint8Array[], index: number): string[] {
  return inclusionProof(entries.map(leafHash), index).map(hex);
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new Error(`there is no item ${index}`);
  return item;
}
