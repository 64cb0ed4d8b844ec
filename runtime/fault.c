// SPDX-License-Identifier: MIT
#include "fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hw/gaon_text.h>

#include "error.h"
#include "log.h"
#include "module.h"
#include "peer.h"
#include "pin.h"
#include "print.h"

#define DEPENDENCY_DEPTH	16

static const char *const op_names[RT_OP_TYPES] = {
	"operation", "launch", "copy", "fill", "wait", "event record", "callback", "graph",
	"copy between devices",
	"wait", "semaphore", "timestamp",
};

/* --- text ------------------------------------------------------------------------------------ */

struct fault_text {
	char *at, *end;
};

static void __attribute__((format(printf, 2, 3))) text_add(struct fault_text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->at, (size_t)(t->end - t->at), fmt, ap);
	va_end(ap);
	if (n > 0)
		t->at += n < t->end - t->at ? n : t->end - t->at - 1;
}

static void fault_describe(struct rt_stream *s, struct gaon_fault *f, const char *why)
{
	struct fault_text t = { f->text, f->text + sizeof(f->text) };

	text_add(&t, "stream %u", f->stream);
	if (s->name[0])
		text_add(&t, " (%s)", s->name);
	text_add(&t, ", operation %llu (%s", (unsigned long long)f->operation, f->operation_name);
	if (f->kernel[0])
		text_add(&t, " of %s", f->kernel);
	text_add(&t, "): %s", f->type_name);
	if (f->access)
		text_add(&t, ", %s of %#llx", gaon_access_name(f->access), (unsigned long long)f->va);
	if (f->core != GAON_FAULT_CORE_NONE)
		text_add(&t, ", core %u, workgroup %u", f->core, f->workgroup);
	if (f->pc)
		text_add(&t, ", pc %#llx", (unsigned long long)f->pc);
	if (f->pc_offset)
		text_add(&t, " (module + %#llx)", (unsigned long long)f->pc_offset);
	if (f->syndrome)
		text_add(&t, ", syndrome %#llx", (unsigned long long)f->syndrome);
	text_add(&t, ", cycle %llu", (unsigned long long)f->cycle);
	if (why[0])
		text_add(&t, ": %s", why);
}

/* What the workgroup that faulted asserted, if it did. */
static const char *assertion_of(const struct rt_assertions *all, const struct gaon_fault_record *r)
{
	uint64_t kept = all->count < RT_ASSERTIONS ? all->count : RT_ASSERTIONS, i;

	for (i = 0; i < kept; i++) {
		const struct rt_assertion *a = &all->list[(all->count - 1 - i) % RT_ASSERTIONS];

		if (a->launch >> 32 == r->queue && (uint32_t)a->launch == (uint32_t)r->sequence &&
		    a->workgroup == r->workgroup)
			return a->text;
	}
	return "";
}

/* Every field is the device's word: taken only within its range. children_lock held. */
static void fault_take(struct rt_stream *s, const struct rt_assertions *assertions)
{
	const struct gaon_fault_record *r = &s->fault_record;
	const struct rt_kernel *kernel = rt_module_kernel_of(s->dev, r->tag);
	uint8_t type = atomic_load(&s->ops[r->sequence & s->mask].type);
	struct gaon_fault *f = &s->fault;

	memset(f, 0, sizeof(*f));
	f->size = sizeof(*f);
	f->type = r->type < GAON_FAULT_TYPES ? r->type : GAON_FAULT_FIRMWARE;
	f->type_name = gaon_fault_name(f->type);
	f->access = r->access <= GAON_ACCESS_ATOMIC ? r->access : GAON_ACCESS_NONE;
	f->core = r->core;
	f->stream = s->number;
	f->context = r->context;
	f->workgroup = r->workgroup;
	f->operation = rt_stream_operation(s, r->sequence);
	f->operation_name = op_names[type < RT_OP_TYPES ? type : RT_OP_NONE];
	f->pc = r->pc;
	f->va = r->va;
	f->syndrome = r->syndrome;
	f->cycle = r->cycle;
	if (kernel) {
		memcpy(f->kernel, kernel->info.name, sizeof(f->kernel) - 1);
		if (f->pc >= kernel->base && f->pc - kernel->base < kernel->image_bytes)
			f->pc_offset = f->pc - kernel->base;
	}
	fault_describe(s, f, f->type == GAON_FAULT_BREAK ? assertion_of(assertions, r) :
			     type == RT_OP_PEER || type == RT_OP_SEMAPHORE ? s->peer_error : "");
}

/* --- state ----------------------------------------------------------------------------------- */

/* What the device has to say of each queue. */
static void fault_note(struct rt_device *dev)
{
	struct rt_stream *s;

	pthread_mutex_lock(&dev->fault_lock);
	pthread_mutex_lock(&dev->children_lock);
	for (s = dev->streams; s; s = s->next)
		if (!s->fault_noted && s->queue && !dev->ops->queue_fault(s->queue, &s->fault_record))
			s->fault_noted = s->fault_record.type != GAON_FAULT_NONE;
	pthread_mutex_unlock(&dev->children_lock);
	pthread_mutex_unlock(&dev->fault_lock);
}

void rt_fault_collect(struct rt_device *dev)
{
	struct rt_assertions assertions;
	struct rt_stream *s;

	fault_note(dev);
	/* An assertion's text was in the print ring before its fault; the lock comes before those below. */
	rt_print_drain(dev);
	rt_print_assertions(dev, &assertions);
	pthread_mutex_lock(&dev->fault_lock);
	pthread_mutex_lock(&dev->children_lock);
	for (s = dev->streams; s; s = s->next) {
		if (s->has_fault || !s->fault_noted)
			continue;
		fault_take(s, &assertions);
		s->has_fault = true;
		atomic_fetch_add(&dev->faulted, 1);
		atomic_store(&s->timeline->faulted, true);
		log_warning("%s", s->fault.text);
	}
	pthread_mutex_unlock(&dev->children_lock);
	pthread_mutex_unlock(&dev->fault_lock);
}

/* The faulted timeline that @t hangs on before @value, or NULL; fault_lock held. */
static struct rt_timeline *fault_root(struct rt_timeline *t, uint64_t value, int depth)
{
	struct rt_stream *s = t->stream;
	uint32_t i;

	if (rt_timeline_reached(t, value) || !s)
		return NULL;
	if (atomic_load(&t->faulted))
		return t;
	for (i = 0; depth && i < s->dep_count; i++) {
		struct rt_timeline *root = fault_root(s->deps[i].timeline, s->deps[i].value, depth - 1);

		if (root)
			return root;
	}
	return NULL;
}

bool rt_fault_blocks(struct rt_device *dev, struct rt_timeline *timeline, uint64_t value)
{
	struct rt_timeline *root;

	if (!atomic_load_explicit(&dev->faulted, memory_order_acquire))
		return false;
	pthread_mutex_lock(&dev->fault_lock);
	root = fault_root(timeline, value, DEPENDENCY_DEPTH);
	pthread_mutex_unlock(&dev->fault_lock);
	return root != NULL;
}

enum gaon_status rt_fault_fail(struct rt_device *dev, struct rt_timeline *timeline)
{
	const char *hint = "gaon_stream_get_fault() has the record, gaon_stream_clear_fault() goes on";
	char text[sizeof(((struct gaon_fault *)0)->text)] = "the stream has faulted";
	struct rt_timeline *root;

	pthread_mutex_lock(&dev->fault_lock);
	root = fault_root(timeline, UINT64_MAX, DEPENDENCY_DEPTH);
	if (root && root->stream)
		memcpy(text, root->stream->fault.text, sizeof(text));
	if (root && root->stream && root->stream->fault.type == GAON_FAULT_WATCHDOG)
		hint = "a kernel that honestly needs longer: launch_limit_ns, or GAON_LAUNCH_LIMIT_MS";
	pthread_mutex_unlock(&dev->fault_lock);
	return gaon_fail_hint(GAON_ERROR_FAULT, hint, "%s", text);
}

static bool stream_hangs_on(const struct rt_stream *s, const struct rt_timeline *t)
{
	uint32_t i;

	for (i = 0; i < s->dep_count && s->deps[i].timeline != t; i++)
		;
	return i < s->dep_count;
}

void rt_timeline_give_up(struct rt_device *dev, struct rt_timeline *t, uint64_t value)
{
	uint32_t i = atomic_load(&t->failed_count);
	struct rt_stream *s;

	if (rt_timeline_reached(t, value))
		return;
	t->failed[i % TIMELINE_FAILED].lo = *t->word->cpu;
	t->failed[i % TIMELINE_FAILED].hi = value;
	atomic_store(&t->failed_count, i + 1);
	__atomic_store_n(t->word->cpu, value, __ATOMIC_RELEASE);
	/* A queue looks at a value that the host stored when its doorbell rings. */
	pthread_mutex_lock(&dev->children_lock);
	for (s = dev->streams; s; s = s->next)
		if (stream_hangs_on(s, t))
			dev->ops->queue_doorbell(s->queue);
	pthread_mutex_unlock(&dev->children_lock);
}

bool rt_timeline_failed_locked(struct rt_timeline *t, uint64_t value)
{
	bool failed = false;
	uint32_t i;

	for (i = 0; i < TIMELINE_FAILED && i < atomic_load(&t->failed_count); i++)
		failed |= value > t->failed[i].lo && value <= t->failed[i].hi;
	return failed;
}

bool rt_timeline_failed(struct rt_device *dev, struct rt_timeline *t, uint64_t value)
{
	bool failed;

	pthread_mutex_lock(&dev->fault_lock);
	failed = rt_timeline_failed_locked(t, value);
	pthread_mutex_unlock(&dev->fault_lock);
	return failed;
}

/* --- public ---------------------------------------------------------------------------------- */

GAON_API enum gaon_status gaon_stream_get_fault(struct gaon_stream *stream, struct gaon_fault *fault)
{
	enum gaon_status status = GAON_OK;
	struct rt_stream *s = rt_enter(OBJ_STREAM, stream, &status);
	struct gaon_fault copy;
	struct rt_device *dev;
	bool found;

	if (!s)
		return status;
	dev = s->dev;
	rt_fault_collect(dev);
	pthread_mutex_lock(&dev->fault_lock);
	found = s->has_fault;
	copy = s->fault;
	pthread_mutex_unlock(&dev->fault_lock);
	status = found ? gaon_struct_write(fault, &copy, sizeof(copy), "gaon_fault") :
		 gaon_fail(GAON_ERROR_NOT_FOUND, "stream %u has not faulted", s->number);
	rt_leave(dev);
	return status;
}

GAON_API enum gaon_status gaon_device_get_fault(struct gaon_device *device, struct gaon_fault *fault)
{
	enum gaon_status status = GAON_OK;
	struct rt_device *dev = rt_enter(OBJ_DEVICE, device, &status);
	struct gaon_fault copy = { 0 };
	struct rt_stream *s;
	bool found = false;

	if (!dev)
		return status;
	rt_fault_collect(dev);
	pthread_mutex_lock(&dev->fault_lock);
	pthread_mutex_lock(&dev->children_lock);
	for (s = dev->streams; s; s = s->next) {
		if (s->has_fault && (!found || s->fault.cycle <= copy.cycle)) {
			copy = s->fault;
			found = true;
		}
	}
	pthread_mutex_unlock(&dev->children_lock);
	pthread_mutex_unlock(&dev->fault_lock);
	status = found ? gaon_struct_write(fault, &copy, sizeof(copy), "gaon_fault") :
		 gaon_fail(GAON_ERROR_NOT_FOUND, "no stream of the device has faulted");
	rt_leave(dev);
	return status;
}

/* obj.lock held: the queue stands still and nobody puts more. */
static enum gaon_status fault_clear(struct rt_stream *s)
{
	struct rt_device *dev = s->dev;
	struct rt_timeline *t = s->timeline;
	uint64_t last = atomic_load(&t->last);
	int err = dev->ops->queue_clear(s->queue);

	if (err == -ENODEV)
		return rt_lost(dev);
	if (err)
		return gaon_fail_errno(GAON_ERROR_INTERNAL, -err,
				       "the device refused to clear the fault of stream %u: %s",
				       s->number, strerror(-err));
	/* Before the values behind the fault are stored: to the callbacks' thread they are due with those. */
	rt_callbacks_drop(s);
	pthread_mutex_lock(&dev->fault_lock);
	rt_timeline_give_up(dev, t, last);
	s->has_fault = false;
	s->fault_noted = false;
	rt_peer_clear(s);
	s->read = s->write;
	atomic_store(&t->faulted, false);
	atomic_fetch_sub(&dev->faulted, 1);
	pthread_mutex_unlock(&dev->fault_lock);
	return GAON_OK;
}

enum gaon_status rt_fault_recover(struct rt_stream *s)
{
	enum gaon_status status;

	if (!atomic_load(&s->timeline->faulted))
		return GAON_OK;
	pthread_mutex_lock(&s->obj.lock);
	status = s->has_fault ? fault_clear(s) : GAON_OK;
	pthread_mutex_unlock(&s->obj.lock);
	return status;
}

GAON_API enum gaon_status gaon_stream_clear_fault(struct gaon_stream *stream)
{
	enum gaon_status status = GAON_OK;
	struct rt_stream *s = rt_stream_enter(stream, NULL, &status);
	struct rt_device *dev;

	if (!s)
		return status;
	dev = s->dev;
	rt_fault_collect(dev);
	if (s->has_fault)
		status = fault_clear(s);
	pthread_mutex_unlock(&s->obj.lock);
	rt_pins_retire(dev);
	rt_leave(dev);
	return status;
}
