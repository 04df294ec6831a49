import { VdcProblem } from "../../../shared/client/problem.ts";
import type { UserKeys } from "../../../shared/client/user-keys.ts";
import { sealMetadata } from "../../../shared/client/user-metadata.ts";
import { clientOf } from "./client.ts";
import { insist } from "./insist.ts";
import type { People } from "./people.ts";
import { PERSONAL } from "./stripe.ts";

/** A user who changes their metadata now and then, also before the last change was answered. */
export class Diary {
  readonly #people: People;
  readonly #user: UserKeys;
  /** The activation may have stored version 1. */
  #version = 1;

  constructor(people: People, user: UserKeys) {
    this.#people = people;
    this.#user = user;
  }

  /** Changes the metadata, now and then twice within a minute, and from a device that does not know the last change. */
  async changes(): Promise<void> {
    const { world, random, errands } = this.#people;
    const version = ++this.#version;
    if (random.chance(0.4))
      errands.at(world.now + random.between(0, 60_000), "another change", () =>
        this.#writes(++this.#version),
      );
    if (random.chance(0.3))
      errands.at(world.now + random.between(0, 3_600_000), "an old change", () => this.#writes(version));
    await this.#writes(version);
  }

  async #writes(version: number): Promise<void> {
    const { stack, world, random, promised } = this.#people;
    const record = await sealMetadata(stack.chainId, this.#user, version, { page: version, name: PERSONAL });
    const client = clientOf(stack);
    const answer = await insist(world, random, () => client.putUserMetadata(record));
    if (answer !== undefined && !(answer instanceof VdcProblem))
      promised.metadata(this.#user.userId, answer.version);
  }
}
