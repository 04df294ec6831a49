import { runCells, type Cell, type Company } from "./cell.ts";
import { FAULTS } from "./fault.ts";
import { flowNamed } from "./flows/all.ts";
import { LISTED, RARE } from "./listed.ts";
import type { Recovery } from "./recovery.ts";
import { World } from "./world.ts";
import { isRead } from "./writes.ts";

/** Cells of one flow that run together, each with a fault at another write. */
type Round = readonly [Cell, ...Cell[]];

export interface Outcome extends Cell {
  readonly recovery?: Recovery;
  /** The error of a cell that failed. */
  readonly failure?: string;
  /** The last events before the failure. */
  readonly trace?: string;
}

interface Matrix {
  readonly outcomes: readonly Outcome[];
  /** Writes that happened and are not listed. */
  readonly unlisted: readonly string[];
  /** Writes that are listed and never happened. */
  readonly never: readonly string[];
}

/** Returns a round for every write and every fault. */
export function everyCell(): Round[] {
  return cellsOf((write) => FAULTS.map((fault) => [{ fault, write }])).map((cell) => [cell]);
}

/**
 * Returns rounds that give each write one fault, with several writes in a round. The faults take turns over the list,
 * so that each fault occurs at every stage. Another turn gives each write another fault.
 * @param ofOneActor the most faults of a round that hit the same code; each fault delays its work
 */
export function fewCells(turn = 0, ofOneActor = 3): Round[] {
  const cells = cellsOf((write, i) => [[{ write, fault: FAULTS[(i + turn) % FAULTS.length] ?? "fails" }]]);
  const rounds: Cell[][] = [];
  for (const cell of cells) {
    const room = rounds.find(
      (round) =>
        round[0]?.flow === cell.flow &&
        round.filter(({ write }) => actorOf(write) === actorOf(cell.write)).length < ofOneActor,
    );
    if (room === undefined) rounds.push([cell]);
    else room.push(cell);
  }
  return rounds as unknown as Round[];
}

function cellsOf(make: (write: string, i: number) => readonly (readonly Omit<Cell, "flow">[])[]): Cell[] {
  let i = 0;
  return Object.entries(LISTED).flatMap(([flow, writes]) =>
    writes.flatMap((write) =>
      make(write, i++)
        .flat()
        .map((cell) => ({ flow, ...cell })),
    ),
  );
}

function actorOf(write: string): string {
  return write.split(":")[0] ?? "";
}

interface RunOptions {
  /** The number of stacks that run at a time. */
  readonly lanes: number;
  /** Each round runs once for each of these. */
  readonly passes: readonly Company[];
  readonly say?: (line: string) => void;
}

const ROUNDS_A_WORLD = 20; // each round verifies the whole chain again and again

/** Runs the rounds on several stacks at a time. */
export async function runMatrix(
  rounds: readonly Round[],
  { lanes, passes, say = () => {} }: RunOptions,
): Promise<Matrix> {
  const outcomes: Outcome[] = [];
  const names = new Set<string>();
  const [beginnings, others] = [rounds.filter(begins), rounds.filter((round) => !begins(round))];
  let done = 0;

  async function lane(): Promise<void> {
    while (beginnings.length + others.length > 0) {
      const world = await World.start();
      try {
        for (let count = 0; count < ROUNDS_A_WORLD; count++) {
          const round = (count === 0 ? beginnings.shift() : undefined) ?? others.shift();
          if (round === undefined) break;
          const results = await runRound(world, round, passes);
          outcomes.push(...results);
          for (const { write, fault, failure, recovery } of results)
            say(`${++done} ${write} · ${fault}: ${failure ?? recovery}`);
          if (results.some(({ failure }) => failure !== undefined)) break; // the next round begins on a new stack
        }
      } finally {
        for (const name of world.control.names) names.add(name);
        await world.close();
      }
    }
  }

  await Promise.all(Array.from({ length: lanes }, lane));
  const listed = new Set(Object.values(LISTED).flat());
  return {
    outcomes,
    unlisted: [...names].filter((name) => !isRead(name) && !listed.has(name) && !RARE.has(name)).toSorted(),
    never: [...listed].filter((name) => !names.has(name)),
  };
}

function begins([{ flow }]: Round): boolean {
  return flowNamed(flow).begins === true;
}

async function runRound(world: World, round: Round, passes: readonly Company[]): Promise<readonly Outcome[]> {
  const flow = flowNamed(round[0].flow);
  let recoveries: readonly Recovery[] = [];
  for (const company of flow.begins ? passes.slice(-1) : passes)
    try {
      if (!flow.begins) await world.found();
      const seen = await runCells(world, flow, round, company);
      if (recoveries.length === 0) recoveries = seen;
    } catch (error) {
      const failure = `${company}: ${error instanceof Error ? error.message : String(error)}`;
      return round.map((cell) => ({ ...cell, failure, trace: world.trace() }));
    }
  return round.map((cell, i) => ({ ...cell, recovery: recoveries[i] as Recovery }));
}
