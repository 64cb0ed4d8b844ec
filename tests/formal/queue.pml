/* SPDX-License-Identifier: MIT */
/*
 * A user-mode queue: the producer publishes packets and rings the doorbell when it is due, the device takes them and
 * sleeps in between, the driver takes the queue from its slot and gives it back, and a reset of the engines drops what
 * is in flight. Documentation/hw/queues.rst ("Ring and state block"), gaon_doorbell_due(), lib_push().
 *
 * Stores of either side become visible late, in order, as on processors with store buffers (x86-TSO); full barriers wait
 * for that. What is proved: no packet is ever left in the ring with everybody asleep, and a clear skips no more than
 * what was published.
 *
 * mutations: HOST_NO_BARRIER DEVICE_NO_BARRIER NO_SECOND_LOOK DUE_TOO_LATE RESUME_WITHOUT_LOOK
 */
#define PACKETS	3

byte write, event_idx;			/* as the other side sees them */
bool host_holds, device_holds;		/* a store that is on its way */
byte host_store, device_store;
bool bell;				/* the doorbell, which keeps one ring */
bool in_slot = true, running;		/* running: the device is between two looks at in_slot */
bool stopped;				/* by the reset, until the owner clears the queue */
byte taken;				/* packets that the device took: its read index */
byte skipped;				/* by clears */
bool published_all;

inline host_drain() { host_holds == false }
inline device_drain() { device_holds == false }

/* Memory: what is on its way arrives at any time. */
active proctype memory()
{
end:	do
	:: atomic { host_holds -> write = host_store; host_holds = false }
	:: atomic { device_holds -> event_idx = device_store; device_holds = false }
	od
}

active proctype producer()
{
	byte old, seen;

	do
	:: old < PACKETS ->
		host_drain();			/* stores stay in order */
		atomic { host_store = old + 1; host_holds = true }
#ifndef HOST_NO_BARRIER
		host_drain();
#endif
		seen = event_idx;
		/* event_idx - old < new - old, and new is old + 1 */
#ifdef DUE_TOO_LATE
		if
		:: seen == old + 1 -> bell = true
		:: else
		fi;
#else
		if
		:: seen == old -> bell = true
		:: else
		fi;
#endif
		old++
	:: old == PACKETS -> break
	od;
	published_all = true;
	host_drain();
	/* The reset is over, and its owner hears of it: who published no more lets the queue go on. */
}

/* One look after another; only while it has a slot and nothing stopped it. */
active proctype device()
{
	byte read, seen;

end_device:
	do
	:: atomic { in_slot && !stopped -> running = true }
		bell = false;
		seen = write;
		do
		:: read < seen ->
			if
			:: atomic { in_slot && !stopped -> read++; taken = read }
			:: !in_slot || stopped -> goto off
			fi
		:: read == seen ->
			device_drain();
			atomic { device_store = read; device_holds = true }
#ifndef DEVICE_NO_BARRIER
			device_drain();
#endif
#ifdef NO_SECOND_LOOK
			break
#else
			seen = write;
			if
			:: read == seen -> break
			:: else
			fi
#endif
		od;
		/* Asleep in its slot, until the doorbell, or something that takes it from there. */
end_asleep:	if
		:: bell
		:: !in_slot || stopped
		fi;
off:		running = false;
		/* Cleared by its owner: behind all that was published. */
		if
		:: atomic { stopped -> }
end_stopped:		!stopped;
			atomic { skipped = skipped + (write - read); read = write; taken = read }
		:: else
		fi;
#ifdef RESUME_WITHOUT_LOOK
		/* Back in its slot it goes on sleeping: rings of the meantime went to nobody. */
		if
		:: atomic { in_slot && !bell -> bell = false }
end_lost:		bell
		:: bell
		fi
#endif
	od
}

/* Takes the slot away, and gives it back; what is rung meanwhile is not heard by a queue without a slot. */
active proctype driver()
{
	byte turns;

	do
	:: turns < 2 ->
		in_slot = false;
		!running;
		bell = false;
		in_slot = true;
		turns++
	:: break
	od
}

/* A reset of the engines; the owner is told and clears the queue, once it has published all. */
active proctype reset()
{
	if
	:: stopped = true;
		(published_all && !running && !host_holds);
		stopped = false
	:: skip
	fi
}

/* Nothing more happens: then nothing is left to do. */
active proctype finished()
{
	timeout;
	assert(published_all && write == PACKETS);
	assert(taken == PACKETS);
	assert(skipped <= PACKETS)
}
