import { setTimeout as wait } from "node:timers/promises";
import { startProgress } from "../output/progress.ts";

/** Work that goes on in the deployment, whether or not the command watches. */
export interface Job {
  readonly state: string;
}

export interface Following<J extends Job> {
  readonly doing: string;
  readonly of: string;
  readonly total: number;
  readonly done: (job: J) => number;
  readonly read: () => Promise<J>;
  /** Milliseconds between two requests. */
  readonly every?: number;
}

/** Shows the progress of a job until it has ended. @returns the ended job */
export async function follow<J extends Job>(started: J, following: Following<J>): Promise<J> {
  const { doing, of, total, done, read, every = 500 } = following;
  const progress = startProgress({ doing, of, total });
  try {
    let job = started;
    for (;;) {
      progress.to(done(job));
      if (job.state !== "running") return job;
      await wait(every);
      job = await read();
    }
  } finally {
    progress.end();
  }
}
