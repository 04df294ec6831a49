import type { Control } from "./control.ts";
import type { Fault } from "./fault.ts";
import type { Flow } from "./flow.ts";
import { recovery, type Recovery } from "./recovery.ts";
import { until } from "../support/stack/patience.ts";
import type { World } from "./world.ts";

/** A write of a flow, and the fault that hits it. */
export interface Cell {
  readonly flow: string;
  readonly write: string;
  readonly fault: Fault;
}

const MOST_RUNS = 3;

/** Whether other payments arrive while a flow recovers from its faults. */
export type Company = "alone" | "in_company";

/**
 * Runs a flow to its end while faults hit it, each another write. Verifies the invariants once the faults have hit, and
 * the results at the end.
 * @returns the recovery from each fault
 */
export async function runCells(
  world: World,
  flow: Flow,
  cells: readonly Cell[],
  company: Company,
): Promise<readonly Recovery[]> {
  const { control } = world;
  const from = control.seen.length;
  control.disarm();
  for (const { write, fault } of cells) control.arm({ write, happens: fault });
  for (let runs = 1; runs <= MOST_RUNS && missed(control, cells).length > 0; runs++) {
    for (const order of flow.prepare ?? []) control.arm(order);
    const running = flow.run(world);
    const [ran] = await Promise.all([
      Promise.allSettled([running]),
      verifyWhenHit(world, flow, cells, { running, company }),
    ]);
    if (ran[0].status === "rejected") throw ran[0].reason;
    await world.settle();
  }
  const never = missed(control, cells);
  if (never.length > 0) throw new Error(`the flow never does: ${never.join(", ")}`);
  return cells.map((cell) => recovery(cell, control.seen.slice(from)));
}

async function verifyWhenHit(
  world: World,
  flow: Flow,
  cells: readonly Cell[],
  { running, company }: { readonly running: Promise<void>; readonly company: Company },
): Promise<void> {
  await untilHit(world.control, cells, running);
  if (flow.damages === undefined) await world.verify();
  if (company === "in_company") await world.pay();
}

function missed(control: Control, cells: readonly Cell[]): string[] {
  return cells.filter(({ write }) => !control.isDone(write)).map(({ write }) => write);
}

/** Waits until the faults have hit, or until the flow is over without them. */
async function untilHit(control: Control, cells: readonly Cell[], running: Promise<void>): Promise<void> {
  const wait = until(
    async () => {
      if (missed(control, cells).length > 0) throw new Error("not yet");
    },
    { within: 6_000 },
  );
  await Promise.race([
    wait,
    running.then(
      () => wait,
      () => {},
    ),
  ]).catch(() => {});
}
