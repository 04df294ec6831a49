/*
 * Archiving private parts, clearing pending objects and staged bytes, erasing, sweeping and late duplicates, while the
 * chain head loses its storage and is restored. One block with one transaction.
 *
 * Follows: clean and archivePrivateParts (workers/pending-cleaner/), blockWithTransactions (workers/chain-head/reads/reads.ts),
 * cleaned (progress.ts), admit (admit.ts), sweepPending (workers/miner/sweep.ts), writePending (workers/pending-writer/),
 * sweepStaged (workers/storage-verifier/restore/sweep-staged.ts), erase (workers/accounts/erase.ts), readExtent and endRestore
 * (workers/storage-verifier/listing/extent.ts, workers/chain-head/decisions/restore.ts).
 *
 * Promises: a pending object is deleted only when its block is in every tier and its private part is archived or erased;
 * what was erased is archived no more; everything comes to rest, complete.
 */
#define NONE 0
#define SEALED 2
#define PERSISTED 3
#define INDEXED 4
#define COMPLETE 5
#define UNKNOWN 0
#define PENDING 1
#define MINED 3
/* the private archive */
#define NOTHING 0
#define THE_ENVELOPE 1
#define OTHER_ENVELOPE 2
#define MISSING 3
#define ERASED 4

byte life = 1, block = SEALED, tx = MINED;
bit lost, restoring, losses = 1;
byte pending = THE_ENVELOPE;
bit staged = 1, r2, otherTiers, latest;
byte archive = NOTHING;
bit toldErased;
byte duplicates = 1;

#define KNOWN (!lost && block != NONE)
#define FINISHED (!lost && tx == MINED && block == COMPLETE && !restoring)

inline deletePending() {
  assert(pending != THE_ENVELOPE || (r2 && otherTiers));
  assert(pending != THE_ENVELOPE || archive == THE_ENVELOPE || archive == ERASED);
  pending = NOTHING
}

proctype Stages() {
end:
  do
  :: atomic { KNOWN && !restoring && block == SEALED && (staged || r2) -> r2 = 1; otherTiers = 1; block = PERSISTED }
  :: atomic { KNOWN && !restoring && block == PERSISTED -> block = INDEXED }
  :: atomic { KNOWN && !restoring && block >= PERSISTED && !latest -> latest = 1 }
  od
}

#define DIES if :: goto again :: skip fi

proctype Cleaner() {
  bit mine, held; byte envelope, l;
again:
  atomic { mine = 0; held = 0; envelope = 0; l = 0 };
end:
#ifdef M_TWO_QUESTIONS
  atomic { KNOWN && !restoring && block == INDEXED -> l = life };
  mine = (KNOWN && tx == MINED);
#else
  atomic { KNOWN && !restoring && block == INDEXED -> l = life; mine = (tx == MINED) };
#endif
#ifdef M_DELETE_FIRST
  atomic { if :: mine -> deletePending() :: else fi };
#endif
  if
  :: mine ->
     held = (archive != NOTHING);
     if
     :: !held ->
        envelope = pending;
        if :: envelope == NOTHING -> held = (archive != NOTHING) :: else fi;
        if
        :: !held ->
           DIES;
           atomic {                                                   /* create-only */
             if
#ifdef M_ARCHIVE_OVERWRITES
             :: true ->
#else
             :: archive == NOTHING ->
#endif
                archive = (envelope == NOTHING -> MISSING : envelope)
             :: else
             fi;
             assert(archive != MISSING);
             assert(!toldErased || archive == ERASED) }
        :: else
        fi
     :: else
     fi;
     DIES;
     atomic { deletePending() }
  :: else
  fi;
  DIES;
  staged = 0;
  DIES;
  atomic { if :: KNOWN && l == life && block == INDEXED -> block = COMPLETE :: else fi };
  goto again
}

proctype Sweep() {
  bit finished;
end:
  do
  :: pending != NOTHING ->
     atomic { finished = FINISHED; if :: !lost && tx == UNKNOWN -> tx = PENDING :: else fi };
     if :: finished -> atomic { deletePending(); finished = 0 } :: else fi
  od
}

proctype Writer() {
  bit finished;
end:
  do
  :: atomic { duplicates > 0 -> duplicates--; if :: pending == NOTHING -> pending = OTHER_ENVELOPE :: else fi };
     atomic { finished = FINISHED; if :: !lost && tx == UNKNOWN -> tx = PENDING :: else fi };
     if :: finished -> atomic { deletePending(); finished = 0 } :: else fi
  od
}

proctype SweepStaged() {
end:
  do
#ifdef M_SWEEP_WHILE_RESTORING
  :: atomic { staged && KNOWN && block == COMPLETE && r2 };
#else
  :: atomic { staged && KNOWN && block == COMPLETE && !restoring && r2 };
#endif
     staged = 0
  od
}

proctype Eraser() {
end:
#ifdef M_ERASE_EARLY
  atomic { KNOWN && tx == MINED && !restoring && block >= SEALED };
#else
  atomic { KNOWN && tx == MINED && !restoring && block == COMPLETE };
#endif
  archive = ERASED;
  atomic { if :: pending != NOTHING -> deletePending() :: else fi };
  toldErased = 1
}

proctype Loss() {
  bit published, left;
end:
  do
  :: atomic { losses && !lost && !restoring -> losses = 0; lost = 1; life++; block = NONE; tx = UNKNOWN };
     atomic { lost = 0; restoring = 1 };
     atomic { assert(r2 || staged); r2 = 1; block = COMPLETE; tx = MINED };   /* restoreBlock */
     atomic { left = staged; published = latest };                    /* readExtent; KV may show an old value */
     if :: published = 0 :: skip fi;
     atomic {                                                         /* endRestore */
#ifdef M_STAGED_IGNORED
       if :: !published -> block = SEALED :: else fi;
#else
       if :: !published || left -> block = SEALED :: else fi;
#endif
       restoring = 0; published = 0; left = 0 }
  od
}

proctype AtRest() {
end:
  atomic { timeout -> assert(block == COMPLETE && pending == NOTHING && !staged && latest && (archive == THE_ENVELOPE || archive == ERASED)) }
}

init { atomic { run Stages(); run Cleaner(); run Cleaner(); run Sweep(); run Writer(); run SweepStaged(); run Eraser(); run Loss(); run AtRest() } }
