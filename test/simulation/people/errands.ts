import type { World } from "../world/world.ts";

/** The unfinished errands of all people. A world is at rest only when no errand is open. */
export class Errands {
  readonly #world: World;
  #open = 0;

  constructor(world: World) {
    this.#world = world;
  }

  get open(): number {
    return this.#open;
  }

  /**
   * A person starts an errand at this time. An error that the person does not handle is a fault of the simulation, and
   * is reported.
   */
  at(time: number, what: string, run: () => Promise<unknown>): void {
    this.#open++;
    this.#world.at(time, () => this.#run(what, run));
  }

  /** Starts an errand now, beside the caller's own work. */
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
