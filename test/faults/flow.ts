import type { Order } from "./control.ts";
import type { World } from "./world.ts";

/** Something that people do with the system, or that befalls it, from its beginning to its end. */
export interface Flow {
  readonly name: string;
  /** In words for the page. */
  readonly is: string;
  /** Needs a chain that has no block yet. */
  readonly begins?: true;
  /** Copies of blocks are taken away in it, so that the chain is whole at its end only. */
  readonly damages?: true;
  /** What happens besides the fault, so that the writes of this flow are done at all. */
  readonly prepare?: readonly Order[];
  /** Whoever is not answered well tries again. Its end may be waited for by `world.settle()`. */
  run(world: World): Promise<void>;
}
