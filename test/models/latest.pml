/*
 * Blocks go into the tiers, vdc:latest names them in order, and the chain head loses its storage and is restored.
 *
 * Follows: persist (workers/tier-persister/persist.ts), persisted and moveLatest (workers/chain-head/decisions/progress.ts), perform
 * (alarm.ts), noteBegun, noteDone and noteEarlierLife (latest-write.ts), publications (duties.ts), endRestore (restore.ts).
 *
 * A put of vdc:latest that was not answered lands at any time, or never. Time stands for itself: a doubt is over only when
 * no put that it is about can land any more (WRITE_LANDS_WITHIN_SECONDS).
 *
 * Promises: vdc:latest never goes back, and names a block only when it and all before it are in every tier.
 */
#ifndef BLOCKS
#define BLOCKS 3
#endif
#define NONE 0
#define SEALED 2
#define PERSISTED 3
#define ANY 255

byte losses = 1, again = 1;
bit closed;
byte block[BLOCKS + 1];
byte sealedThrough, latest, published, heldUntil;
byte doubt;                          /* the block whose put may still land; ANY: an earlier life's */
bit stored[BLOCKS + 1];              /* in R2, IPFS and KV */
byte kvLatest;
bit late[BLOCKS + 1];

inline land(v) {
  assert(v >= kvLatest);
  for (j : 1 .. BLOCKS) { if :: j <= v -> assert(stored[j]) :: else fi };
  j = 0; kvLatest = v
}

proctype Sealer() {
end:
  do :: atomic { !closed && sealedThrough < BLOCKS -> sealedThrough++; block[sealedThrough] = SEALED } od
}

proctype Persister() {
  byte n, x, j;
again_:
  atomic { n = 0; x = 0; j = 0 };
end:
  if
  :: atomic { !closed && block[1] == SEALED -> n = 1 }
  :: atomic { !closed && block[2] == SEALED -> n = 2 }
#if BLOCKS > 2
  :: atomic { !closed && block[3] == SEALED -> n = 3 }
#endif
  fi;
#ifndef M_REPORT_EARLY
  if :: goto again_ :: stored[n] = 1 fi;
#endif
  atomic {                                                            /* persisted */
    if
    :: !closed && block[n] == SEALED -> block[n] = PERSISTED;
#ifdef M_HIGHEST_PERSISTED
       for (j : 1 .. BLOCKS) { if :: block[j] == PERSISTED -> x = j :: else fi };
#else
       do :: x < BLOCKS && block[x + 1] == PERSISTED -> x++ :: else -> break od;
#endif
#ifdef M_NOT_HELD
       if :: x > 0 -> latest = x :: else fi
#else
       if :: x > 0 && x >= heldUntil -> latest = x :: else fi
#endif
    :: else
    fi;
    j = 0
  };
#ifdef M_REPORT_EARLY
  stored[n] = 1;
#endif
  goto again_
}

proctype Alarm() {
  byte v, j, before;
end:
  do
  :: atomic { !closed && latest != 0 && latest != published && (doubt == 0 || doubt == latest) -> v = latest; before = doubt;
#ifndef M_NOT_NOTED
       doubt = v
#endif
     };
     if
     :: atomic { land(v);
          if
          :: closed -> skip
          :: else -> published = v;
#ifdef M_FORGETS_OLDER_DOUBT
             doubt = 0
#else
             doubt = before
#endif
          fi }
     :: atomic { land(v) }                                            /* done, not answered */
     :: late[v] = 1
     :: skip
     fi;
     atomic { v = 0; before = 0; j = 0 }
  :: atomic { doubt != 0 && doubt != ANY && !late[doubt] -> doubt = 0 }
  :: atomic { doubt == ANY && !late[1] && !late[2] && !late[BLOCKS] -> doubt = 0 }
  od
}

proctype Late() {
  byte j;
end:
  do
  :: atomic { late[1] -> late[1] = 0; if :: land(1) :: skip fi }
  :: atomic { late[2] -> late[2] = 0; if :: land(2) :: skip fi }
#if BLOCKS > 2
  :: atomic { late[3] -> late[3] = 0; if :: land(3) :: skip fi }
#endif
  od
}

proctype Operator() {
end:
  do :: atomic { again > 0 && !closed -> again--; published = 0 } od  /* publishAgain */
}

proctype Loss() {
  byte j, named;
end:
  do
  :: atomic { losses > 0 -> losses--; closed = 1; latest = 0; published = 0; doubt = 0;
       for (j : 1 .. BLOCKS) { block[j] = NONE }; j = 0 };
     named = kvLatest;
     do :: named > 0 -> named-- :: break od;                          /* KV may show an old value */
     atomic {                                                         /* endRestore */
       for (j : 1 .. BLOCKS) {
         if :: j <= sealedThrough && j > named -> block[j] = SEALED :: j <= sealedThrough && j <= named -> block[j] = PERSISTED :: else fi
       };
       j = 0; heldUntil = sealedThrough;
       if :: named == sealedThrough && named > 0 -> latest = named :: else fi;
#ifndef M_EARLIER_LIFE_FORGOTTEN
       doubt = ANY;
#endif
       closed = 0; named = 0 }
  od
}

init { atomic { run Sealer(); run Persister(); run Persister(); run Alarm(); run Late(); run Operator(); run Loss() } }
