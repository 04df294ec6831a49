import type { Order } from "./control.ts";
import type { World } from "./world.ts";

/** A use of the system or an accident, from its beginning to its end. */
export interface Flow {
  readonly name: string;
  /** Words for the page of the fault matrix. */
  readonly is: string;
  /** The flow needs a chain without blocks. */
  readonly begins?: true;
  /** The flow deletes copies of blocks, so the chain is whole only at its end. */
  readonly damages?: true;
  /** Faults in addition to the cell's own, which make this flow do its writes. */
  readonly prepare?: readonly Order[];
  /** Runs the flow. A caller without a good answer tries again. `world.settle()` may wait for the end of the flow. */
  run(world: World): Promise<void>;
}
