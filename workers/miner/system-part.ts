import type { BlockSigner, SigningKeyLookup } from "../../shared/chain/block.ts";
import type { Reservation } from "../../shared/chain/reservation.ts";
import { txIdOf, type SigningKey, type Transaction } from "../../shared/chain/transaction.ts";
import { base64url } from "../../shared/crypto/bytes.ts";
import { KeyringError, type Keyring } from "../../shared/crypto/keyring.ts";

/** What the system itself puts into a block, and the key that signs it. */
interface SystemPart {
  readonly transactions: readonly Transaction[];
  readonly announces: readonly SigningKey[];
  readonly signer: BlockSigner;
  readonly publicKeyOf: SigningKeyLookup;
}

/**
 * Genesis announces the first keys. A new active key is announced in a block that a key announced before signs, so
 * that whoever trusts genesis can follow the keys from block to block; it signs from the next block on.
 * @throws KeyringError when no announced key is at hand to vouch for the new one
 */
export function systemPart(reservation: Reservation, keyring: Keyring): SystemPart {
  const { active } = keyring.signing;
  const activeKey = signingKey(active);
  if (reservation.blockNumber === 0)
    return part([genesis(reservation, activeKey, keyring)], [activeKey], active);
  if (reservation.announcedKeyIds.includes(active.keyId)) return part([], [], active);

  const voucher = reservation.announcedKeyIds
    .toReversed()
    .map((keyId) => keyring.signing.byId(keyId))
    .find((signer) => signer !== undefined);
  if (voucher === undefined)
    throw new KeyringError(
      `the chain does not know signing key ${active.keyId}, and no key that it knows is in SYSTEM_KEYRING to announce it: put the previous keyring's entry back as "retired"`,
    );
  return part([rotation(reservation, activeKey)], [activeKey], voucher);
}

type Signer = BlockSigner & { readonly publicKey: Uint8Array };

function part(transactions: Transaction[], announces: SigningKey[], signer: Signer): SystemPart {
  const publicKeyOf: SigningKeyLookup = (keyId) =>
    keyId === signer.keyId ? base64url(signer.publicKey) : undefined;
  return { transactions, announces, signer, publicKeyOf };
}

function signingKey({ keyId, publicKey }: Signer): SigningKey {
  return { keyId, algorithm: "ML-DSA-44", publicKey: base64url(publicKey) };
}

function genesis({ chainId, timestamp }: Reservation, signing: SigningKey, keyring: Keyring): Transaction {
  const { kid, publicKey } = keyring.encryption.active;
  return {
    id: txIdOf({ source: "genesis", chainId }),
    type: "genesis",
    timestamp,
    data: {
      chainId,
      formatVersion: 1,
      signingKeys: [signing],
      encryptionKeys: [{ keyId: kid, algorithm: "ML-KEM-768", publicKey: base64url(publicKey) }],
    },
    signatures: {},
  };
}

function rotation({ chainId, timestamp }: Reservation, signing: SigningKey): Transaction {
  return {
    id: txIdOf({ source: "key_rotation", chainId, keyId: signing.keyId }),
    type: "key_rotation",
    timestamp,
    data: signing,
    signatures: {},
  };
}
