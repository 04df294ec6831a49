import { Argument, Option } from "commander";
import type { Selection } from "../../shared/api/dead-letters.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { filterOf, type FilterOptions } from "./filter.ts";

export interface SelectionOptions extends FilterOptions {
  readonly all?: boolean;
}

export function idsArgument(): Argument {
  return new Argument("[ids...]", "which; or name them by a filter, or --all");
}

export function allOption(): Option {
  return new Option("--all", "every one that is open");
}

/** @throws CommandFailure unless the user selected letters in exactly one way: an omission never selects any */
export function selectionOf(ids: readonly string[], options: SelectionOptions): Selection {
  const filter = filterOf(options);
  const ways = [ids.length > 0, Object.keys(filter).length > 0, options.all === true].filter(Boolean).length;
  if (ways !== 1)
    throw new CommandFailure(
      "say which: ids, or a filter such as --stage, or --all, and only one of them",
      EXIT.usage,
    );
  if (ids.length > 0) return { ids: [...ids] };
  return options.all === true ? { all: true } : { filter };
}
