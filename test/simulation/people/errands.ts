import type { World } from "../world/world.ts";

/** What people are about. A world is at rest when nobody has anything left to do. */
export class Errands {
  readonly #world: World;
  #open = 0;

  constructor(world: World) {
    this.#world = world;
  }

  get open(): number {
    return this.#open;
  }

  /** Somebody sets out at some time. What people did not foresee is a fault of the simulation, and shows. */
  at(time: number, what: string, run: () => Promise<unknown>): void {
    this.#open++;
    this.#world.at(time, () => this.#run(what, run));
  }

  /** Beside what else happens. */
  now(what: string, run: () => Promise<unknown>): void {
    this.#open++;
    void this.#run(what, run);
  }

  async #run(what: string, run: () => Promise<unknown>): Promise<void> {
    try {
      await run();
    } catch (error) {
      this.#world.broken("people know what they do", `${what}: ${String(error)}`);
    } finally {
      this.#open--;
    }
  }
}
