import { creation, privatePart, transfer } from "../../../shared/client/unsigned.ts";
import type { UnsignedSubmission } from "../../../shared/chain/submission.ts";
import type { UserKeys } from "../../../shared/client/user-keys.ts";
import { utf8 } from "../../../shared/crypto/bytes.ts";
import { sha256Hex } from "../../../shared/crypto/hash.ts";
import { submitAndPay } from "./paying.ts";
import type { People } from "./people.ts";
import { PERSONAL } from "./stripe.ts";
import { sign, submit, type Signed } from "./submitting.ts";

const DAY = 86_400_000;
/** Milliseconds after which an owner may transfer an asset again. KV may not have the asset's last record by then. */
const SOON = 30_000;
const MOST_TRIES = 30;

interface Claim {
  readonly user: UserKeys;
  readonly txId: string;
}

/** An asset as its people know it. */
interface Asset {
  readonly id: string;
  /** Everyone who tried to create the asset. The chain takes one of them. */
  readonly claims: Claim[];
  /** The transfers so far, in order. The owner makes the next one when the last one is mined. */
  readonly transfers: { readonly to: UserKeys; readonly txId: string }[];
}

/** Users create assets and transfer them. Other users try the same without the right to do so. */
export class Assets {
  readonly #people: People;
  readonly #assets: Asset[] = [];

  constructor(people: People) {
    this.#people = people;
  }

  async isCreatedBy(user: UserKeys): Promise<void> {
    const asset: Asset = { id: `house-${this.#assets.length}`, claims: [], transfers: [] };
    this.#assets.push(asset);
    await this.#claims(user, asset);
  }

  /** A user creates an asset that another user has created or is about to create. */
  async isCreatedAgainBy(user: UserKeys): Promise<void> {
    const asset = this.#pick(({ transfers }) => transfers.length === 0);
    if (asset !== undefined) await this.#claims(user, asset);
  }

  async #claims(user: UserKeys, asset: Asset): Promise<void> {
    const { promised } = this.#people;
    const signed = await this.#signed(
      user,
      creation({ assetId: asset.id, documentHash: sha256Hex(utf8(asset.id)) }, this.#time()),
    );
    asset.claims.push({ user, txId: signed.txId });
    promised.isOneOf(asset.id, signed.txId);
    if (asset.claims.length > 1)
      for (const { txId } of asset.claims) promised.maySetAside(txId, ["asset_exists"]);
    await submitAndPay(this.#people, signed);
  }

  /** The owner transfers the asset to one of the recipients. */
  async isPassedOn(recipients: readonly UserKeys[]): Promise<void> {
    const asset = this.#pick((asset) => this.#ownerOf(asset) !== undefined);
    if (asset !== undefined) await this.#passesOn(asset, recipients);
  }

  /** The asset is transferred from owner to owner, each time as soon as the last transfer is mined. */
  async changesHands(recipients: readonly UserKeys[]): Promise<void> {
    const { world, random } = this.#people;
    const asset = this.#pick(() => true);
    if (asset === undefined) return;
    for (let tries = random.between(0, MOST_TRIES); tries > 0 && !world.calm; tries--) {
      await this.#passesOn(asset, recipients);
      await world.sleep(random.between(0, SOON));
    }
  }

  async #passesOn(asset: Asset, recipients: readonly UserKeys[]): Promise<void> {
    const owner = this.#ownerOf(asset);
    if (owner === undefined) return;
    const to = this.#people.random.pick(recipients);
    const signed = await this.#signed(owner, transfer(asset.id, to.userId, this.#time()));
    asset.transfers.push({ to, txId: signed.txId });
    await submitAndPay(this.#people, signed);
  }

  /** A user transfers an asset that another user owns, or that does not exist. */
  async isStolenBy(thief: UserKeys): Promise<void> {
    const { promised, random } = this.#people;
    const id = random.chance(0.3) ? "no-such-house" : this.#pick(() => true)?.id;
    if (id === undefined) return;
    const signed = await this.#signed(thief, transfer(id, thief.userId, this.#time()));
    promised.maySetAside(
      signed.txId,
      id === "no-such-house" ? ["unknown_asset"] : ["unknown_asset", "not_owner"],
    );
    await submitAndPay(this.#people, signed);
  }

  /** A user submits in another user's name or with a wrong time. The submission must be refused and never mined. */
  async isForgedBy(forger: UserKeys, victim: UserKeys): Promise<void> {
    const { world, random } = this.#people;
    const unsigned = creation({ assetId: `castle-${random.uint32()}` }, world.now);
    const isOld = forger === victim || random.chance(0.5);
    const forged = isOld
      ? await sign(this.#people, victim, { ...unsigned, timestamp: world.now + random.pick([-1, 1]) * DAY })
      : await this.#forgery(forger, victim, unsigned);
    const submitted = await submit(this.#people, forged);
    if (submitted === "taken" || submitted === "kept")
      world.broken("nothing forged is taken", `${forged.txId} is ${submitted}`);
  }

  async #forgery(forger: UserKeys, victim: UserKeys, unsigned: UnsignedSubmission): Promise<Signed> {
    const { submission, txId } = await sign(this.#people, victim, unsigned);
    const { signature } = (await sign(this.#people, forger, unsigned)).submission.signatures.user;
    const user = { ...submission.signatures.user, signature };
    return { txId, submission: { ...submission, signatures: { user } } };
  }

  /** Returns the owner, or `undefined` while the last claim or transfer is not mined. */
  #ownerOf({ claims, transfers }: Asset): UserKeys | undefined {
    const isMined = ({ txId }: { txId: string }) => this.#people.onlooker.blockOf(txId) !== undefined;
    const last = transfers.at(-1);
    if (last !== undefined) return isMined(last) ? last.to : undefined;
    return claims.find(isMined)?.user;
  }

  #pick(which: (asset: Asset) => boolean): Asset | undefined {
    const some = this.#assets.filter(which);
    return some.length === 0 ? undefined : this.#people.random.pick(some);
  }

  #signed(user: UserKeys, unsigned: UnsignedSubmission): Promise<Signed> {
    const hidden = this.#people.random.chance(0.5) ? { private: privatePart({ name: PERSONAL }) } : {};
    return sign(this.#people, user, { ...unsigned, ...hidden });
  }

  /** Returns the time on the signer's clock, which may be wrong. */
  #time(): number {
    const { world, random, profile } = this.#people;
    const window = Number(profile.vars.SUBMISSION_WINDOW_SECONDS) * 1_000;
    const off = random.chance(0.2)
      ? random.pick([-1, 1]) * random.between(window - 20_000, window + 20_000)
      : 0;
    return world.now + off;
  }
}
