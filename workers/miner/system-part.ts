import type { BlockSigner, SigningKeyLookup } from "../../shared/chain/block.ts";
import type { Reservation } from "../../shared/chain/reservation.ts";
import { systemTxId } from "../../shared/chain/system-transactions.ts";
import type { KeyRevocation, SigningKey, Transaction } from "../../shared/chain/transaction.ts";
import { base64url } from "../../shared/crypto/bytes.ts";
import { KeyringError, type Keyring } from "../../shared/crypto/keyring.ts";

/** The system's own transactions of a block, and the key that signs the block. */
interface SystemPart {
  readonly transactions: readonly Transaction[];
  readonly announces: readonly SigningKey[];
  readonly revokes: readonly KeyRevocation[];
  readonly signer: BlockSigner;
  readonly publicKeyOf: SigningKeyLookup;
}

/**
 * Makes the system's part of a block. Genesis announces the first key. A block that announces a new active key is signed by the
 * key before it, so that a verifier who trusts genesis can follow the keys from block to block. From the next block on, only the
 * new key signs.
 * @throws KeyringError when the keyring's active key is retired, or the chain's present key is not in the keyring to announce a
 * new one
 */
export function systemPart(reservation: Reservation, keyring: Keyring): SystemPart {
  const { active } = keyring.signing;
  const activeKey = signingKey(active);
  const present = reservation.announcedKeyIds.at(-1);
  if (present === undefined) return part(reservation, [activeKey], [], active, keyring);

  const revokes = reservation.revocation === null ? [] : [reservation.revocation];
  if (present === active.keyId) return part(reservation, [], revokes, active, keyring);
  if (reservation.announcedKeyIds.includes(active.keyId))
    throw new KeyringError(
      `the active signing key of SYSTEM_KEYRING, ${active.keyId}, is retired: only ${present} may sign this chain. Deploy the keyring in which that one is active, the latest that \`npm run vdc -- keys rotate\` has printed`,
    );
  const voucher = keyring.signing.byId(present);
  if (voucher === undefined)
    throw new KeyringError(
      `the chain does not know signing key ${active.keyId}, and its own key, ${present}, is not in SYSTEM_KEYRING to announce it: put the previous keyring's entry back as "retired"`,
    );
  return part(reservation, [activeKey], revokes, voucher, keyring);
}

type Signer = BlockSigner & { readonly publicKey: Uint8Array };

function part(
  reservation: Reservation,
  announces: readonly SigningKey[],
  revokes: readonly KeyRevocation[],
  signer: Signer,
  keyring: Keyring,
): SystemPart {
  const announcements = announces.map((key) =>
    reservation.blockNumber === 0
      ? systems(reservation, "genesis", genesis(reservation, key, keyring))
      : systems(reservation, "key_rotation", key),
  );
  const revocations = revokes.map((revocation) => systems(reservation, "key_revocation", revocation));
  const publicKeyOf: SigningKeyLookup = (keyId) =>
    keyId === signer.keyId ? base64url(signer.publicKey) : undefined;
  return { transactions: [...announcements, ...revocations], announces, revokes, signer, publicKeyOf };
}

function signingKey({ keyId, publicKey }: Signer): SigningKey {
  return { keyId, algorithm: "ML-DSA-44", publicKey: base64url(publicKey) };
}

function genesis({ chainId }: Reservation, signing: SigningKey, keyring: Keyring) {
  const { kid, publicKey } = keyring.encryption.active;
  return {
    chainId,
    formatVersion: 1,
    signingKeys: [signing],
    encryptionKeys: [{ keyId: kid, algorithm: "ML-KEM-768", publicKey: base64url(publicKey) }],
  };
}

function systems({ chainId, timestamp }: Reservation, type: Transaction["type"], data: object): Transaction {
  const contents = { type, data } as Transaction;
  const id = systemTxId(chainId, contents);
  if (id === undefined) throw new Error(`a ${type} is not the system's`);
  return { ...contents, id, timestamp, signatures: {} };
}
