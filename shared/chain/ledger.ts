import type { Transaction } from "./transaction.ts";

/** The rules across transactions that a transaction can break. Dead letters store these names and verifiers show them. */
export const LEDGER_FAULTS = [
  "asset_exists",
  "unknown_asset",
  "not_owner",
  "user_exists",
  "not_own_key",
] as const;
export type LedgerFault = (typeof LEDGER_FAULTS)[number];

/**
 * Describes how a transaction breaks each rule. The texts never quote the transaction, which is not public yet and may
 * never be.
 */
export const LEDGER_FAULT_TEXTS: Readonly<Record<LedgerFault, string>> = {
  asset_exists: "creates an asset that an earlier transaction created",
  unknown_asset: "transfers an asset that no earlier transaction created",
  not_owner: "transfers an asset that is not its signer's at this place in the chain",
  user_exists: "registers a user whom an earlier transaction registered",
  not_own_key: "registers another key than the one that signs it",
};

/** The keys that a ledger must know before it can apply given transactions. */
export interface LedgerKeys {
  readonly assetIds: readonly string[];
  readonly userIds: readonly string[];
}

export interface LedgerEntries {
  /** `owner`: key id of the signing key that may transfer the asset; null when the asset cannot be transferred. */
  readonly assets: readonly { readonly assetId: string; readonly owner: string | null }[];
  /** `userId`: key id of the user's signing key. */
  readonly users: readonly { readonly userId: string; readonly encryptionKeyId: string }[];
}

/**
 * The owner of each asset, and the registered users: all data that the rules across transactions read. An asset is
 * created once, and only its owner transfers it. A user is registered once, by the key that is registered.
 * docs/format.md, section 4.
 */
export class Ledger {
  readonly #owners = new Map<string, string | null>();
  readonly #users = new Map<string, string>();

  constructor({ assets, users }: LedgerEntries = { assets: [], users: [] }) {
    for (const { assetId, owner } of assets) this.#owners.set(assetId, owner);
    for (const { userId, encryptionKeyId } of users) this.#users.set(userId, encryptionKeyId);
  }

  /** Applies the transaction, or returns the rule that it breaks and changes nothing. */
  apply({ type, data, signatures }: Transaction): LedgerFault | undefined {
    const signer = signatures.user?.keyId ?? null;
    switch (type) {
      case "asset_creation":
        if (this.#owners.has(data.assetId)) return "asset_exists";
        this.#owners.set(data.assetId, signer);
        return undefined;
      case "asset_transfer": {
        const owner = this.#owners.get(data.assetId);
        if (owner === undefined) return "unknown_asset";
        if (owner === null || owner !== signer) return "not_owner";
        this.#owners.set(data.assetId, data.newOwnerKeyId);
        return undefined;
      }
      case "user_registration": {
        const { signingKey, encryptionKey } = data;
        if (signer !== signingKey.keyId) return "not_own_key";
        if (this.#users.has(signingKey.keyId)) return "user_exists";
        this.#users.set(signingKey.keyId, encryptionKey.keyId);
        return undefined;
      }
      default:
        return undefined;
    }
  }

  /** The ledger's entries for these keys. Keys without an entry are left out. */
  entries({ assetIds, userIds }: LedgerKeys): LedgerEntries {
    return {
      assets: assetIds.flatMap((assetId) => {
        const owner = this.#owners.get(assetId);
        return owner === undefined ? [] : [{ assetId, owner }];
      }),
      users: userIds.flatMap((userId) => {
        const encryptionKeyId = this.#users.get(userId);
        return encryptionKeyId === undefined ? [] : [{ userId, encryptionKeyId }];
      }),
    };
  }
}

/** The keys that the rules read for these transactions, without repeats. */
export function ledgerKeysOf(transactions: readonly Transaction[]): LedgerKeys {
  const assetIds = new Set<string>();
  const userIds = new Set<string>();
  for (const { type, data } of transactions) {
    if (type === "asset_creation" || type === "asset_transfer") assetIds.add(data.assetId);
    if (type === "user_registration") userIds.add(data.signingKey.keyId);
  }
  return { assetIds: [...assetIds], userIds: [...userIds] };
}
