/*
 * The record of an asset that two blocks are about. A put of it may land late; KV may show an old value; the queue may
 * deliver a message twice, at any time; the storage verifier repairs the index meanwhile; a Worker may die anywhere.
 *
 * Follows: indexBlock (workers/indexer/index-block.ts), writeAssetRecords and indexGaps (shared/operations/block-index.ts),
 * beginAssetWrites and endAssetWrites (workers/chain-head/decisions/asset-writes.ts), writeIndex (workers/storage-verifier/
 * verify-block.ts).
 *
 * Time stands for itself: a lease that was not ended is over only when no put of its holder can land any more.
 *
 * Promise: when both blocks are indexed and nothing is under way, the record names block 2.
 */
#define SEALED 2
#define PERSISTED 3
#define INDEXED 4

byte block[3];
byte lastBlock = 1;                  /* as the chain head knows it */
byte kv, shown;                      /* the block that the record names, and what a cache may still show */
bit late[3];
bit held;                            /* somebody has the lease */
byte working;                        /* and is at work */
byte puts = 3;                       /* so many puts are not answered */

inline put(v) { shown = kv; kv = v }

proctype Chain() {
end:
  do
  :: atomic { block[1] == SEALED -> block[1] = PERSISTED }
  :: atomic { block[2] == 0 -> block[2] = SEALED; lastBlock = 2 }
  :: atomic { block[2] == SEALED -> block[2] = PERSISTED }
  od
}

/* a message for block n; more than one, because a queue delivers at least once */
proctype Writer(byte n; bit verifies) {
  byte v, seen;
again:
  atomic { v = 0; seen = 0 };
end:
  atomic { (verifies -> block[n] == INDEXED : block[n] == PERSISTED) };
#ifndef M_NO_LEASE
endlease:
  atomic { !held -> held = 1; working = 1 };                          /* beginAssetWrites */
#else
  working = 1;
#endif
  atomic { if :: seen = kv :: seen = shown fi };
  v = lastBlock;
  if
  :: seen == v && verifies -> skip                                    /* no gap, as far as KV shows */
  :: else ->
     if
     :: put(v)
     :: atomic { puts > 0 -> puts--; put(v);
#ifdef M_LEASE_ENDS_WITH_FAILURE
          held = 0;
#endif
          working = 0; goto again }
     :: atomic { puts > 0 -> puts--; late[v] = 1;
#ifdef M_LEASE_ENDS_WITH_FAILURE
          held = 0;
#endif
          working = 0; goto again }
     fi
  fi;
  atomic { held = 0; working = 0 };                                   /* endAssetWrites */
  if
  :: verifies -> goto done
  :: else -> atomic { if :: block[n] == PERSISTED -> block[n] = INDEXED :: else fi; goto again }
  fi;
done:
  skip
}

proctype Time() {
end:
  do
  :: atomic { late[1] -> late[1] = 0; if :: put(1) :: skip fi }
  :: atomic { late[2] -> late[2] = 0; if :: put(2) :: skip fi }
  :: atomic { shown != kv -> shown = kv }
  :: atomic { held && !working && !late[1] && !late[2] -> held = 0 }  /* landBefore is over */
  od
}

proctype AtRest() {
end:
  atomic { block[1] == INDEXED && block[2] == INDEXED && !late[1] && !late[2] && !working -> assert(kv == 2) }
}

init { atomic { block[1] = SEALED; run Chain(); run Writer(1, 0); run Writer(1, 0); run Writer(2, 0); run Writer(1, 1); run Time(); run AtRest() } }
