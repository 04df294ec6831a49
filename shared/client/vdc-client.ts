import type { Activated } from "../api/activation.ts";
import type { Submitted } from "../api/submissions.ts";
import type { TransactionStatus } from "../api/transactions.ts";
import type { StoredMetadata } from "../api/users.ts";
import type { WellKnown } from "../api/well-known.ts";
import type { Submission, UnsignedSubmission } from "../chain/submission.ts";
import type { ActivationRequest } from "../api/activation.ts";
import { StoredDocument, type DocumentStatus } from "../chain/document.ts";
import type { TxId } from "../chain/transaction.ts";
import { cidV0 } from "../crypto/cid.ts";
import type { VerifyPolicy } from "../verify/policy.ts";
import type { Report } from "../verify/report.ts";
import { verifyProof } from "../verify/verify-proof.ts";
import { UserMetadataRecord } from "../chain/user-metadata.ts";
import type { SealedDocument } from "./documents.ts";
import { signSubmission } from "./sign-submission.ts";
import { readAnswer, Transport } from "./transport.ts";
import type { UserKeys } from "./user-keys.ts";
import { Unverified, verifyMined, type VerifiedTransaction } from "./verify-mined.ts";
import { isSettled, type Settled } from "./settled.ts";
import { waitUntil, type Patience } from "./wait-until.ts";

interface VdcClientOptions {
  /** Hash of block 0, known from elsewhere. Verification then accepts that chain only. */
  readonly genesisHash?: string;
  /** Replaces the platform's own `fetch`. */
  readonly fetch?: typeof fetch;
}

/** The JSON of a proof, with the report on it: a verdict other than "verified" is not thrown. */
export interface FetchedProof {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly report: Report;
}

/**
 * A client for apps, in a browser or in Node. A call whose failure may pass is repeated after a pause. A refusal is
 * thrown as VdcProblem, a call without an answer of VDC as VdcUnreachable.
 */
export class VdcClient {
  readonly #transport: Transport;
  readonly #genesisHash: string | undefined;
  #chainId: Promise<string> | undefined;

  /** @param url `https://vdc.example` */
  constructor(url: string, options: VdcClientOptions = {}) {
    this.#transport = new Transport(url, options.fetch);
    this.#genesisHash = options.genesisHash;
  }

  /** The chain's id, which is part of everything that a user signs. */
  chainId(): Promise<string> {
    this.#chainId ??= this.announced().then(
      ({ chainId }) => chainId,
      (error: unknown) => {
        this.#chainId = undefined;
        throw error;
      },
    );
    return this.#chainId;
  }

  /** The deployment's description of itself and of its keys. */
  announced(): Promise<WellKnown> {
    return this.#transport.json("/.well-known/vdc.json");
  }

  /** Keep the result until VDC took it: signing again gives other bytes. */
  async sign(user: UserKeys, unsigned: UnsignedSubmission): Promise<Submission> {
    return signSubmission(await this.chainId(), unsigned, user);
  }

  /**
   * Submits a transaction. It is taken when the promise resolves. The same submission again is answered with its state.
   * @param allowUnregistered allows a transfer to a key that no user has registered
   */
  submit(submission: Submission, { allowUnregistered = false } = {}): Promise<Submitted> {
    const query = allowUnregistered ? "?allowUnregistered=true" : "";
    return this.#transport.json(`/api/vdc/transactions${query}`, { method: "POST", body: submission });
  }

  /**
   * @throws VdcProblem "not-found" for an id that the chain does not know, also in the first second after the submission
   */
  transaction(txId: TxId): Promise<TransactionStatus> {
    return this.#transport.json(pathOf(txId));
  }

  /** @throws StillWaiting when the timeout is over, or the signal's reason */
  waitUntilMined(txId: TxId, patience: Patience = {}): Promise<Settled> {
    const look = (signal?: AbortSignal) => this.#transport.attempt(pathOf(txId), { signal });
    return waitUntil(txId, look, isSettled, patience);
  }

  /**
   * Verifies a mined transaction. Trusts the deployment only for the block's number and, without `genesisHash`, for the chain.
   * @throws Unverified
   */
  async verifyMined(txId: TxId): Promise<VerifiedTransaction> {
    const status = await this.transaction(txId);
    if (status.state !== "mined") throw new Unverified("not_mined", `${txId} is ${status.state}`);
    return verifyMined(txId, status, {
      announced: await this.announced(),
      record: (blockNumber) => this.#transport.json(`/api/vdc/blocks/${blockNumber}`, { immutable: true }),
      genesisHash: this.#genesisHash,
    });
  }

  /**
   * Fetches the proof of a mined transaction, and verifies it here. Keep its bytes: they can be verified again without any
   * deployment.
   * @param policy what must be checked besides the client's own genesis
   * @throws VdcProblem "not-in-checkpoint" while no checkpoint covers the transaction
   */
  async proof(txId: TxId, policy: VerifyPolicy = {}): Promise<FetchedProof> {
    const bytes = await this.#transport.bytes(`${pathOf(txId)}/proof`);
    const { report } = await verifyProof(bytes, { genesisHash: this.#genesisHash, ...policy, txId });
    return { bytes, report };
  }

  /**
   * Stores a document. It is in R2 when the promise resolves, and is then pinned on IPFS; the same bytes again are answered with
   * its state. The CID is computed here too, so that the owner may sign it at once.
   * @throws Unverified when the deployment names another document, or another CID, than these bytes have
   */
  async putDocument({ id, bytes }: SealedDocument): Promise<StoredDocument> {
    const path = "/api/documents";
    const request = { method: "POST", body: bytes, timeoutMs: DOCUMENT_TIMEOUT_MS } as const;
    const stored = readAnswer(StoredDocument, await this.#transport.bytes(path, request), path);
    if (stored.id !== id) throw new Unverified("wrong_document", `${id} was stored as ${stored.id}`);
    const cid = await cidV0(bytes);
    if (stored.documentCid !== cid)
      throw new Unverified(
        "wrong_cid",
        `it is said to be ${stored.documentCid} on IPFS, its bytes give ${cid}`,
      );
    return stored;
  }

  /** Shows whether a stored document is pinned. */
  documentStatus(documentId: string): Promise<DocumentStatus> {
    return this.#transport.json(statusPathOf(documentId));
  }

  /** @throws StillWaiting when the timeout is over, or the signal's reason */
  waitUntilPinned(documentId: string, patience: Patience = {}): Promise<DocumentStatus> {
    const look = (signal?: AbortSignal) => this.#transport.attempt(statusPathOf(documentId), { signal });
    return waitUntil(documentId, look, isPinned, patience);
  }

  /** The record of a document, still sealed: `openDocument` verifies and opens it. */
  getDocument(documentId: string): Promise<Uint8Array<ArrayBuffer>> {
    return this.#transport.bytes(`/api/documents/${documentId}`, {
      timeoutMs: DOCUMENT_TIMEOUT_MS,
      immutable: true,
    });
  }

  /** Registers a user who holds a token, in place of `submit`. The same request again gets the same answer. */
  activate(request: ActivationRequest): Promise<Activated> {
    return this.#transport.json("/api/activation", { method: "POST", body: request });
  }

  /**
   * The user's metadata, still sealed: `openMetadata` verifies and opens it. An old version may be shown for a minute
   * after an update.
   */
  async getUserMetadata(userId: string): Promise<UserMetadataRecord> {
    const path = metadataPathOf(userId);
    return readAnswer(UserMetadataRecord, await this.#transport.bytes(path), path);
  }

  /** @throws VdcProblem "stale-version", whose member `version` is the present version */
  putUserMetadata(record: UserMetadataRecord): Promise<StoredMetadata> {
    return this.#transport.json(metadataPathOf(record.userId), { method: "PUT", body: record });
  }
}

const metadataPathOf = (userId: string) => `/api/users/${userId}/metadata`;
const statusPathOf = (documentId: string) => `/api/documents/${documentId}/status`;
const isPinned = (status: DocumentStatus): status is DocumentStatus & { state: "pinned" } =>
  status.state === "pinned";
const DOCUMENT_TIMEOUT_MS = 300_000; // a document, which may travel over a slow line
const pathOf = (txId: TxId) => `/api/vdc/transactions/${txId}`;
