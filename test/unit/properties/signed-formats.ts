import * as v from "valibot";
import { signStripeBody, syntheticCheckout } from "../../../cli/local/stripe/synthetic.ts";
import { ActivationRequest, registrationOf } from "../../../shared/api/activation.ts";
import { BrokenAuditChain, verifyAuditChain } from "../../../shared/chain/audit-chain.ts";
import { blockBytes, InvalidBlock, verifyBlock } from "../../../shared/chain/block.ts";
import { DocumentRecord, InvalidDocument } from "../../../shared/chain/document.ts";
import { payloadOfSubmission, Submission } from "../../../shared/chain/submission.ts";
import { userFault, verifyUserSignature } from "../../../shared/chain/user-signature.ts";
import { ChainVerifier } from "../../../shared/chain/verify-chain.ts";
import { activationRequest } from "../../../shared/client/activation.ts";
import { openDocument, sealDocument } from "../../../shared/client/documents.ts";
import { signSubmission } from "../../../shared/client/sign-submission.ts";
import { generateUserKeys, importUserKeys } from "../../../shared/client/user-keys.ts";
import { openMetadata, sealMetadata } from "../../../shared/client/user-metadata.ts";
import { base64url, fromUtf8, utf8 } from "../../../shared/crypto/bytes.ts";
import { canonicalBytes, type Json } from "../../../shared/crypto/canonical.ts";
import { Envelope } from "../../../shared/crypto/envelope.ts";
import { Permanent } from "../../../shared/runtime/errors.ts";
import { StripeRefusal } from "../../../shared/stripe/refusal.ts";
import { verifyStripeEvent } from "../../../shared/stripe/verify.ts";
import { UserMetadataRecord } from "../../../shared/chain/user-metadata.ts";
import { TestAuditLog } from "../../support/chain/audit-log.ts";
import {
  CHAIN_ID,
  creation,
  genesis,
  payment,
  signedBy,
  signerOf,
  TestChain,
} from "../../support/chain/chain.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type ErrorClass = new (...given: never[]) => Error;

/** A signed or hashed format, with its reader. */
export interface Format {
  /** The format and its reader, for the test's title. */
  readonly name: string;
  /** The valid bytes. */
  readonly bytes: Bytes;
  /**
   * Returns everything that the reader accepts of the bytes, as canonical JSON. @throws only the errors in `refusals`
   */
  readonly read: (bytes: Bytes) => Promise<Uint8Array>;
  readonly refusals: readonly ErrorClass[];
  /** Every byte counts, not only the value that the bytes spell. */
  readonly exact?: boolean;
}

class NotSigned extends Error {}

/** Errors of reading JSON by a schema. */
const OF_JSON: readonly ErrorClass[] = [SyntaxError, TypeError, v.ValiError];

export async function signedFormats(): Promise<readonly Format[]> {
  return [
    ...(await blocks()),
    ...(await documents()),
    ...(await submissions()),
    ...(await metadata()),
    await envelope(),
    auditLog(),
    await delivery(),
  ];
}

async function blocks(): Promise<Format[]> {
  const [system, ann] = await Promise.all([signerOf("system"), signerOf("ann")]);
  const chain = new TestChain();
  const { hash } = await chain.add([genesis(system)], system);
  await chain.add([payment("a"), await signedBy(ann, creation("deed-1")), payment("b")], system);
  const [first = new Uint8Array(), second = new Uint8Array()] = chain.bytes();
  return [
    {
      name: "a block, verified alone",
      bytes: new Uint8Array(second),
      read: async (bytes) =>
        blockBytes(
          await verifyBlock(bytes, {}, (keyId) =>
            keyId === system.keyId ? base64url(system.publicKey) : undefined,
          ),
        ),
      refusals: [InvalidBlock],
      exact: true,
    },
    {
      name: "a block, verified in its chain",
      bytes: new Uint8Array(second),
      async read(bytes) {
        const verifier = new ChainVerifier();
        await verifier.add(first);
        return blockBytes(await verifier.add(bytes));
      },
      refusals: [InvalidBlock],
      exact: true,
    },
    {
      name: "genesis, whose hash is known",
      bytes: new Uint8Array(first),
      async read(bytes) {
        const block = await new ChainVerifier().add(bytes);
        if (block.hash !== hash) throw new NotSigned();
        return blockBytes(block);
      },
      refusals: [InvalidBlock, NotSigned],
      exact: true,
    },
  ];
}

async function documents(): Promise<Format[]> {
  const user = await importUserKeys(generateUserKeys());
  const { bytes, id } = await sealDocument(CHAIN_ID, utf8("my will"), user);
  return [
    {
      name: "a document's record, as it is stored",
      bytes,
      async read(bytes) {
        const read = await DocumentRecord.read(bytes);
        if (!(await read.verify(CHAIN_ID))) throw new NotSigned();
        return read.bytes;
      },
      refusals: [InvalidDocument, NotSigned],
      exact: true,
    },
    {
      name: "a document's record, opened by its owner",
      bytes,
      read: (bytes) => openDocument(CHAIN_ID, bytes, user, id),
      refusals: [InvalidDocument, Permanent],
      exact: true,
    },
  ];
}

async function submissions(): Promise<Format[]> {
  const user = await importUserKeys(generateUserKeys());
  const unsigned = {
    type: "asset_creation",
    timestamp: 1_790_000_000_000,
    data: { assetId: "deed-1", documentHash: "0a".repeat(32), documentType: "deed" },
    private: { salt: base64url(new Uint8Array(32).fill(7)), part: { title: "Ada's deed", pages: 3 } },
  } as const;
  const submission = await signSubmission(CHAIN_ID, unsigned, user);
  const token = `vdc_at_${base64url(new Uint8Array(32).fill(9))}`;
  const activation = await activationRequest(CHAIN_ID, token, user, 1_790_000_000_000);
  return [
    {
      name: "a submission",
      bytes: canonicalBytes(submission as Json),
      async read(bytes) {
        const read = v.parse(Submission, JSON.parse(fromUtf8(bytes)));
        const { transaction } = payloadOfSubmission(CHAIN_ID, read);
        if ((await userFault(transaction, CHAIN_ID)) !== undefined) throw new NotSigned();
        return canonicalBytes(read as Json);
      },
      refusals: [...OF_JSON, NotSigned],
    },
    {
      name: "an activation", // a token is not signed, so a changed token is another token or does not exist
      bytes: canonicalBytes(activation),
      async read(bytes) {
        const read = v.parse(ActivationRequest, JSON.parse(fromUtf8(bytes)));
        const { transaction } = payloadOfSubmission(CHAIN_ID, registrationOf(read));
        const { keyId } = read.keys.signingKey;
        if (read.token !== token || read.signature.keyId !== keyId) throw new NotSigned();
        if (!(await verifyUserSignature(transaction))) throw new NotSigned();
        return canonicalBytes(read);
      },
      refusals: [...OF_JSON, NotSigned],
    },
  ];
}

async function metadata(): Promise<Format[]> {
  const user = await importUserKeys(generateUserKeys());
  const record = await sealMetadata(CHAIN_ID, user, 3, { name: "Ada" });
  return [
    {
      name: "a user's metadata",
      bytes: canonicalBytes(record),
      async read(bytes) {
        const read = v.parse(UserMetadataRecord, JSON.parse(fromUtf8(bytes)));
        await openMetadata(CHAIN_ID, user, read);
        return canonicalBytes(read);
      },
      refusals: [...OF_JSON, Permanent],
    },
  ];
}

async function envelope(): Promise<Format> {
  const user = await importUserKeys(generateUserKeys());
  return {
    name: "an envelope",
    bytes: canonicalBytes(await user.seal("vdc_tx_1", utf8("private"))),
    async read(bytes) {
      const read = v.parse(Envelope, JSON.parse(fromUtf8(bytes)));
      await user.open(read);
      return canonicalBytes(read);
    },
    refusals: [...OF_JSON, Permanent],
  };
}

function auditLog(): Format {
  const log = new TestAuditLog();
  log.record();
  log.record({ reason: null, requestId: "request-2" });
  const { entries, head } = log.page();
  return {
    name: "an audit log, whose head was noted",
    bytes: canonicalBytes(entries),
    async read(bytes) {
      const read = JSON.parse(fromUtf8(bytes)) as unknown[];
      verifyAuditChain(read, head === null ? [] : [head]);
      return canonicalBytes(read as Json);
    },
    refusals: [SyntaxError, TypeError, BrokenAuditChain],
  };
}

async function delivery(): Promise<Format> {
  const secret = "whsec_a5Ft9Qm2xYw8Zr4Ku7Lp1Nd6";
  const seconds = 1_790_000_000;
  const bytes = canonicalBytes(syntheticCheckout({ seed: 1, created: seconds }) as unknown as Json);
  const signatureHeader = signStripeBody(fromUtf8(bytes), secret, seconds);
  return {
    name: "an event of Stripe",
    bytes,
    async read(bytes) {
      const given = { rawBody: fromUtf8(bytes), signatureHeader, secrets: [secret], now: seconds * 1_000 };
      return canonicalBytes((await verifyStripeEvent(given)) as unknown as Json);
    },
    refusals: [StripeRefusal, TypeError], // TypeError: the bytes are not UTF-8
    exact: true,
  };
}
