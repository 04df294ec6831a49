import { SingleBar } from "cli-progress";
import { wholeNumber } from "./words.ts";

/** Shows the progress of long work on stderr: a bar on a terminal, a line now and then elsewhere. */
export interface Progress {
  to(done: number): void;
  /** Ends the display, whether or not the work succeeded. */
  end(): void;
}

export interface ProgressOptions {
  /** `verifying` */
  readonly doing: string;
  readonly total: number;
  /** `blocks` */
  readonly of: string;
  readonly stream?: NodeJS.WriteStream;
  /** Milliseconds. */
  readonly now?: () => number;
}

export function startProgress(options: ProgressOptions): Progress {
  const { stream = process.stderr } = options;
  return stream.isTTY ? bar(options, stream) : lines(options, stream);
}

function bar({ doing, total, of }: ProgressOptions, stream: NodeJS.WriteStream): Progress {
  const made = new SingleBar({
    stream,
    format: `${doing} [{bar}] {value}/{total} ${of}, {eta_formatted} left`,
    barCompleteChar: "█",
    barIncompleteChar: "·",
    barsize: 30,
    hideCursor: true,
    gracefulExit: false,
    etaBuffer: 50,
  });
  made.start(total, 0);
  const showCursor = () => stream.write("\u001b[?25h"); // Ctrl-C must not leave the terminal without a cursor
  process.once("exit", showCursor);
  return {
    to: (done) => made.update(done),
    end: () => {
      made.stop();
      process.off("exit", showCursor);
    },
  };
}

const LINE_EVERY_MS = 5_000;

function lines({ doing, total, of, now = Date.now }: ProgressOptions, stream: NodeJS.WriteStream): Progress {
  let printedAt = now();
  let printed = 0;
  let reached = 0;
  const print = () => {
    printedAt = now();
    printed = reached;
    stream.write(`${doing}: ${wholeNumber(reached)} of ${wholeNumber(total)} ${of}\n`);
  };
  return {
    to(done) {
      reached = done;
      if (now() - printedAt >= LINE_EVERY_MS) print();
    },
    end: () => void (printed < reached && print()),
  };
}
