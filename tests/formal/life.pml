/* SPDX-License-Identifier: MIT */
/*
 * Who may use the card while it is reset, by the driver or by the kernel's PCI code, and taken away:
 * driver/gaon_reset.c, gaon_device.c, gaon_admin.c. Callers are between drm_dev_enter() and drm_dev_exit(); the state
 * is changed from RUNNING to RESETTING by whoever is first.
 *
 * What is proved: one alone resets the card at a time; nobody touches it once the driver has left it; nobody waits for
 * ever; whoever waited for a command is told; in the end the card runs, or the driver has left it.
 *
 * mutations: RESET_WITHOUT_CLAIM STATE_SET_ONCE WORK_NOT_DISABLED COMMANDS_NOT_FAILED NO_UNPLUG_WAIT NO_DEVICE_LOCK
 */
mtype = { RUNNING, RESETTING, OFF };

mtype state = RUNNING;
byte inside;			/* between enter and exit (SRCU) */
bool unplugged;			/* enter fails */
bool left;			/* the driver has given the card back */
byte resetting;			/* who resets it, right now */
bool admin = true;		/* commands are taken; who waits for one is told when that ends */
bool work_queued, work_disabled, work_running;
bool device_lock;		/* of the PCI device: removal and the kernel's resets exclude each other */
byte life = 1;			/* of the card, from one start to the next */
byte failed;			/* commands of lives up to this one have failed, and who waited was told */

#define TOUCH		assert(!left)
#define ENTER(gone)	atomic { if :: unplugged -> goto gone :: else -> inside++ fi }
#define EXIT		inside--

inline claim(got)
{
	atomic {
#ifdef RESET_WITHOUT_CLAIM
		got = (state != OFF); state = RESETTING
#else
		if
		:: state == RUNNING -> state = RESETTING; got = true
		:: else -> got = false
		fi
#endif
	}
}

/* gaon_device_stop(), gaon_vm_lose_all(), gaon_queues_lose_all() */
inline stop_device()
{
	resetting++;
	assert(resetting == 1);
	admin = false;
#ifndef COMMANDS_NOT_FAILED
	failed = life;
#endif
	TOUCH
}

/* gaon_device_start() */
inline start_device()
{
	TOUCH;
	life++;
	admin = true;
	resetting--;
	state = RUNNING
}

/* An ioctl that sends a command: it is answered, or fails when the device is stopped. */
active [2] proctype caller()
{
	byte sent;

	ENTER(gone);
	do
	:: state == RESETTING -> (state != RESETTING)
	:: atomic { state == RUNNING && admin -> sent = life }
		TOUCH;
		if
		:: failed >= sent
		:: life == sent && !resetting	/* answered, by the card that has it */
		fi;
		break
	:: state == RUNNING && !admin -> break	/* -EIO, made -EBUSY */
	:: state == OFF -> break
	od;
	EXIT;
gone:	skip
}

/* Something is wrong with the card: gaon_reset_schedule(). */
active proctype schedule()
{
	bool got;

	claim(got);
	if
	:: got -> atomic { if :: !work_disabled -> work_queued = true :: else fi }
	:: else
	fi
}

active proctype worker()
{
end:	do
	:: atomic { work_queued && !work_disabled -> work_queued = false; work_running = true }
		ENTER(out);
		stop_device();
		start_device();
		EXIT;
out:		work_running = false
	od
}

/* `reset` of the PCI device: gaon_reset_prepare(), the kernel's reset, gaon_reset_done(). */
active proctype function_reset()
{
	bool got;

#ifndef NO_DEVICE_LOCK
	atomic { !device_lock -> device_lock = true }
#endif
	if
	:: left -> goto unlock			/* another driver's, or nobody's */
	:: else
	fi;
	ENTER(unlock);
	do
	:: (state != RESETTING);
		if
		:: state == OFF -> EXIT; goto unlock
		:: else
		fi;
		claim(got);
		if
		:: got -> break
		:: else
		fi
	od;
	(!work_running && !work_queued);
	stop_device();
	EXIT;
	TOUCH;					/* the reset itself */
	ENTER(unlock);
	if
	:: state == RESETTING -> start_device()
	:: else
	fi;
	EXIT;
unlock:
#ifndef NO_DEVICE_LOCK
	device_lock = false
#else
	skip
#endif
}

/* gaon_device_unplug() */
active proctype removal()
{
	atomic { !device_lock -> device_lock = true }
	if
	:: true -> goto stay			/* or nobody takes it away */
	:: true
	fi;
	state = RESETTING;
#ifndef WORK_NOT_DISABLED
	work_disabled = true;
	work_queued = false;
	(!work_running);
#endif
#ifndef STATE_SET_ONCE
	state = RESETTING;
#endif
	/* Nobody is told to use it any more. */
	assert(state == RESETTING);
	resetting++;
	assert(resetting == 1);
	admin = false;
	failed = life;
	state = OFF;
	unplugged = true;
#ifndef NO_UNPLUG_WAIT
	(inside == 0);
#endif
	left = true;
stay:	device_lock = false
}

active proctype finished()
{
	timeout;
	assert(inside == 0 && !device_lock && !work_running);
	assert(left && state == OFF || !left && state == RUNNING && !resetting && admin)
}
