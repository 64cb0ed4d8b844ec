// SPDX-License-Identifier: MIT
/*
 * What can be debugged: the queues and modules of the process's first device, the workgroups in their save
 * areas (Documentation/hw/debug.rst) while all of them are stopped, and how they go on.
 */
#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hw/gaon_pte.h>
#include <hw/gaon_text.h>
#include <hw/gaon_xgaon.h>

#include "agent.h"

#define QUEUES_MAX	1024
#define MODULES_MAX	256
#define NAME_MAX_	64
#define PATH_BYTES	4200

struct queue {
	struct gaon_ws_queue *ws;
	bool suspended, saved;
	struct gaon_debug_state state;
};

struct module {
	uint64_t va, bytes;
	char path[PATH_BYTES];		/* of a copy of its file */
	uint64_t first;			/* where its first segment is */
	uint32_t kernel_count;
	struct { char name[NAME_MAX_]; uint64_t entry; } *kernels;
};

struct thread {
	struct target_thread pub;
	struct queue *queue;
	uint64_t launch;
	enum target_action action;
	bool pass, entry;
	struct gaon_save_core core;
};

static struct gaon_winsys *ws;
static struct gaon_ws_context *ctx;
static const struct gaon_ws_debug_ops *ops;
static const struct gaon_identify *identify;
static struct queue queues[QUEUES_MAX];
static size_t queue_count;
static struct module modules[MODULES_MAX];
static size_t module_count;
static struct thread *threads;
static size_t thread_count;
static uint64_t next_id = 1;
static char executable[PATH_BYTES];
static char wait_kernel[NAME_MAX_];
static bool waits, tells, news, held_back, held_hit, detached, standing, partial;

/* --- devices, queues, modules ---------------------------------------------------------------- */

void target_device(struct gaon_winsys *device, struct gaon_ws_context *context)
{
	if (ctx)
		return;
	if (!device->ops->debug || !(device->ops->identify(device)->features & GAON_FEATURE_DEBUG)) {
		fprintf(stderr, "gaon debug: device %s: %s; its kernels run without a debugger\n", device->name,
			strcmp(device->transport, "pci") ? "it has no debugging" :
			"its queues are the kernel's (unset GAON_QUEUE), or its firmware or its driver, "
			"which is older than 1.5, has no debugging: use --device embedded");
		return;
	}
	ws = device;
	ctx = context;
	ops = device->ops->debug;
	identify = device->ops->identify(device);
}

void target_device_closed(struct gaon_ws_context *context)
{
	if (context != ctx)
		return;
	ws = NULL;
	ctx = NULL;
	queue_count = 0;
	thread_count = 0;
}

void target_queue_made(struct gaon_ws_context *context, struct gaon_ws_queue *queue)
{
	bool saved;

	if (context != ctx || !ctx || queue_count == QUEUES_MAX)
		return;
	queues[queue_count] = (struct queue){ .ws = queue };
	/* While everything stands it does, too. */
	queues[queue_count++].suspended = standing && !ops->suspend(queue, &saved);
}

void target_queue_gone(struct gaon_ws_queue *queue)
{
	for (size_t i = 0; i < queue_count; i++) {
		if (queues[i].ws != queue)
			continue;
		/* Entries must not move while threads point to them. */
		queues[i] = (struct queue){ 0 };
		for (size_t t = thread_count; t--;)
			if (threads[t].queue == &queues[i])
				threads[t] = threads[--thread_count];
		if (i == queue_count - 1)
			queue_count--;
		return;
	}
}

/* For gdb, which wants files: in the directory of the tool's. */
static bool keep_file(char path[PATH_BYTES], const char *name, const void *data, size_t size)
{
	const char *directory = getenv("GAON_DEBUG_DIR");
	bool good = false;
	FILE *out;

	snprintf(path, PATH_BYTES, "%s/%s", directory ? directory : "/tmp", name);
	out = fopen(path, "wxe");
	if (out)
		good = fwrite(data, 1, size, out) == size;
	if (out && fclose(out))
		good = false;
	if (!good)
		perror(path);
	return good;
}

static bool module_keep(struct module *m, const void *file, size_t size)
{
	static unsigned int number;
	char name[32];

	snprintf(name, sizeof(name), "module%u.elf", number++);
	return keep_file(m->path, name, file, size);
}

const char *target_executable(void)
{
	const Elf64_Ehdr eh = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC, .e_machine = EM_RISCV, .e_version = EV_CURRENT, .e_ehsize = sizeof(eh),
		.e_phentsize = sizeof(Elf64_Phdr), .e_shentsize = sizeof(Elf64_Shdr),
	};

	if (!executable[0] && !keep_file(executable, "kernels", &eh, sizeof(eh)))
		executable[0] = '\0';
	return executable;
}

/* libgaon has checked the file. */
static uint64_t first_segment(const struct gaon_debug_module *in)
{
	const uint8_t *file = in->file;
	Elf64_Ehdr eh;
	Elf64_Phdr ph;

	memcpy(&eh, file, sizeof(eh));
	for (unsigned int i = 0; i < eh.e_phnum; i++) {
		memcpy(&ph, file + eh.e_phoff + (uint64_t)i * sizeof(ph), sizeof(ph));
		if (ph.p_type == PT_LOAD)
			return in->bias + ph.p_vaddr;
	}
	return in->va;
}

static void wait_in_module(const struct module *m)
{
	for (uint32_t i = 0; i < m->kernel_count; i++)
		if (tells || (waits && (!wait_kernel[0] || !strcmp(wait_kernel, m->kernels[i].name))))
			breaks_set(ws, ctx, m->kernels[i].entry, 0, true);
}

void target_module_loaded(struct gaon_ws_context *context, const struct gaon_debug_module *in)
{
	struct module *m = &modules[module_count];

	if (context != ctx || module_count == MODULES_MAX || detached)
		return;
	*m = (struct module){ .va = in->va, .bytes = in->bytes, .first = first_segment(in) };
	m->kernels = calloc(in->kernel_count + 1u, sizeof(*m->kernels));
	if (!m->kernels || !module_keep(m, in->file, in->size)) {
		free(m->kernels);
		return;
	}
	m->kernel_count = in->kernel_count;
	for (uint32_t i = 0; i < in->kernel_count; i++) {
		snprintf(m->kernels[i].name, NAME_MAX_, "%s", in->kernels[i].name);
		m->kernels[i].entry = in->kernels[i].entry;
	}
	module_count++;
	news = true;
	wait_in_module(m);
}

void target_module_unloaded(struct gaon_ws_context *context, uint64_t va)
{
	for (size_t i = 0; context == ctx && i < module_count; i++) {
		if (modules[i].va != va)
			continue;
		breaks_forget(va, modules[i].bytes);
		unlink(modules[i].path);
		free(modules[i].kernels);
		modules[i] = modules[--module_count];
		news = true;
		return;
	}
}

void target_wait_for_entry(const char *kernel)
{
	waits = kernel != NULL;
	snprintf(wait_kernel, sizeof(wait_kernel), "%s", kernel ? kernel : "");
	for (size_t i = 0; waits && ctx && i < module_count; i++)
		wait_in_module(&modules[i]);
}

void target_tell_modules(void)
{
	tells = true;
	waits = false;
	news = false;
}

char *target_libraries(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs("<library-list>", out);
	/* Names are of this library's making: nothing in them needs to be quoted. */
	for (size_t i = 0; i < module_count; i++)
		fprintf(out, "<library name=\"%s\"><segment address=\"0x%llx\"/></library>", modules[i].path,
			(unsigned long long)modules[i].first);
	fputs("</library-list>", out);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

struct gaon_winsys *target_winsys(void)
{
	return ws;
}

uint32_t target_vlen(void)
{
	return identify ? identify->vlen : 128;
}

/* --- the save area --------------------------------------------------------------------------- */

static uint64_t core_offset(uint32_t core)
{
	uint64_t stride = GAON_SAVE_VECTOR + 32ull * identify->vlen / 8 + identify->spm_bytes;

	stride = (stride + GAON_PAGE_SIZE - 1) & ~(uint64_t)(GAON_PAGE_SIZE - 1);
	return GAON_SAVE_CORES + core * stride;
}

static bool core_store(struct thread *t)
{
	return !ops->save_access(t->queue->ws, core_offset(t->pub.core), &t->core, sizeof(t->core), true);
}

/* --- stopping -------------------------------------------------------------------------------- */

static uint8_t signal_of(const struct thread *t)
{
	const struct target_break *b;

	if (t->core.stop == GAON_STOP_STEP)
		return SIGNAL_TRAP;
	if (t->core.stop != GAON_STOP_FAULT)
		return SIGNAL_NONE;
	switch (t->core.fault.type) {
	case GAON_FAULT_BREAK:
		b = breaks_at(t->core.pc);
		return !b ? SIGNAL_ABRT : b->user ? SIGNAL_TRAP : SIGNAL_NONE;
	case GAON_FAULT_PAGE:
	case GAON_FAULT_PERMISSION:
	case GAON_FAULT_SPM_BOUNDS:
		return SIGNAL_SEGV;
	case GAON_FAULT_ECALL:
		return SIGNAL_SYS;
	case GAON_FAULT_WATCHDOG:
		return SIGNAL_XCPU;
	case GAON_FAULT_ILLEGAL:
	case GAON_FAULT_BAD_DESCRIPTOR:
		return SIGNAL_ILL;
	default:
		return SIGNAL_BUS;
	}
}

static const struct thread *known(const struct thread *old, size_t old_count, const struct thread *t)
{
	for (size_t i = 0; i < old_count; i++)
		if (old[i].queue == t->queue && old[i].launch == t->launch &&
		    old[i].core.workgroup == t->core.workgroup)
			return &old[i];
	return NULL;
}

static void look_at_queue(struct queue *q, const struct thread *old, size_t old_count)
{
	for (uint64_t m = q->state.active; m; m &= m - 1) {
		struct thread *t = &threads[thread_count];
		const struct target_break *b;
		const struct thread *before;

		*t = (struct thread){ .queue = q, .launch = q->state.launch };
		t->pub.core = (uint32_t)__builtin_ctzll(m);
		if (t->pub.core >= identify->cores ||
		    ops->save_access(q->ws, core_offset(t->pub.core), &t->core, sizeof(t->core), false))
			continue;
		/* What was held shows why it stopped some time before. */
		if (!(q->state.stopped >> t->pub.core & 1))
			t->core.stop = GAON_STOP_NONE;
		b = breaks_at(t->core.pc);
		t->entry = b && b->entry && t->core.stop == GAON_STOP_FAULT &&
			   t->core.fault.type == GAON_FAULT_BREAK;
		before = known(old, old_count, t);
		t->pub.id = before ? before->pub.id : next_id++;
		t->action = before ? before->action : TARGET_STAY;
		t->pub.signal = signal_of(t);
		t->pub.breakpoint = b && b->user && t->pub.signal == SIGNAL_TRAP;
		thread_count++;
	}
}

static bool suspend_queue(struct queue *q)
{
	if (!q->ws)
		return false;
	q->saved = false;
	if (ops->suspend(q->ws, &q->saved))
		return false;
	q->suspended = true;
	ops->stopped(q->ws);
	return q->saved &&
	       !ops->save_access(q->ws, GAON_SAVE_DEBUG, &q->state, sizeof(q->state), false) &&
	       q->state.size == sizeof(q->state);
}

bool target_has_stopped(void)
{
	bool stopped = false;

	for (size_t i = 0; ctx && i < queue_count; i++)
		stopped |= queues[i].ws && ops->stopped(queues[i].ws);
	return stopped;
}

/* Faults before what was asked for, and that before a kernel that begins. */
static void choose(struct target_stop *stop)
{
	unsigned int best = 0;

	for (size_t i = 0; i < thread_count; i++) {
		const struct thread *t = &threads[i];
		unsigned int weight = t->pub.signal == SIGNAL_TRAP ? 2 : t->pub.signal ? 3 : t->entry ? 1 : 0;

		stop->entry |= t->entry;
		if (weight <= best)
			continue;
		best = weight;
		stop->thread = i;
		stop->signal = t->pub.signal;
	}
}

void target_stop_all(struct target_stop *stop)
{
	struct thread *old = threads;
	size_t old_count = thread_count, most = 0;

	*stop = (struct target_stop){ 0 };
	standing = true;
	threads = NULL;
	thread_count = 0;
	for (size_t i = 0; ctx && i < queue_count; i++) {
		if (!suspend_queue(&queues[i]))
			queues[i].state.active = 0;
		most += (size_t)__builtin_popcountll(queues[i].state.active);
	}
	threads = calloc(most + 1, sizeof(*threads));
	for (size_t i = 0; threads && ctx && i < queue_count; i++)
		look_at_queue(&queues[i], old, old_count);
	free(old);
	choose(stop);
	if (!ctx)
		return;
	/* Kernels that begin are told of once; gdb has its breakpoints by then. */
	if (stop->entry)
		breaks_clear_all(ws, ctx, false, true);
	stop->libraries = news && thread_count;
	news &= !thread_count;
}

/* --- threads --------------------------------------------------------------------------------- */

size_t target_thread_count(void)
{
	return thread_count;
}

const struct target_thread *target_thread(size_t index)
{
	return &threads[index].pub;
}

static const char *kernel_name(uint64_t entry)
{
	for (size_t i = 0; i < module_count; i++)
		for (uint32_t k = 0; k < modules[i].kernel_count; k++)
			if (modules[i].kernels[k].entry == entry)
				return modules[i].kernels[k].name;
	return "?";
}

void target_describe(size_t index, char *text, size_t size)
{
	const struct thread *t = &threads[index];
	const uint32_t *grid = t->queue->state.grid;
	uint64_t wg = t->core.workgroup, x = grid[0] ? grid[0] : 1, y = grid[1] ? grid[1] : 1;
	const struct gaon_fault_record *f = &t->core.fault;
	int n = snprintf(text, size, "%s, workgroup (%llu,%llu,%llu) of (%u,%u,%u), core %u",
			 kernel_name(t->queue->state.entry), (unsigned long long)(wg % x),
			 (unsigned long long)(wg / x % y), (unsigned long long)(wg / x / y), grid[0], grid[1],
			 grid[2], t->pub.core);

	if (n < 0 || (size_t)n >= size || t->pub.signal == SIGNAL_NONE || t->pub.signal == SIGNAL_TRAP)
		return;
	if (f->access)
		snprintf(text + n, size - (size_t)n, "; %s, %s of 0x%llx", gaon_fault_name(f->type),
			 gaon_access_name(f->access), (unsigned long long)f->va);
	else
		snprintf(text + n, size - (size_t)n, "; %s", gaon_fault_name(f->type));
}

/* --- registers ------------------------------------------------------------------------------- */

size_t target_reg_bytes(unsigned int reg)
{
	if (reg >= REG_COUNT)
		return 0;
	if (reg >= REG_V0)
		return target_vlen() / 8;
	return reg >= REG_FFLAGS && reg <= REG_FCSR ? 4 : 8;
}

static bool vector_access(struct thread *t, unsigned int v, void *value, bool write)
{
	uint64_t bytes = identify->vlen / 8, at = core_offset(t->pub.core) + GAON_SAVE_VECTOR;

	if (!t->core.vector && !write) {
		memset(value, 0, bytes);
		return true;
	}
	if (!t->core.vector) {
		uint8_t *zeros = calloc(32, bytes);
		bool good = zeros && !ops->save_access(t->queue->ws, at, zeros, 32 * bytes, true);

		free(zeros);
		t->core.vector = 1;
		if (!good || !core_store(t))
			return false;
	}
	return !ops->save_access(t->queue->ws, at + v * bytes, value, bytes, write);
}

static uint64_t reg_get(const struct gaon_save_core *c, unsigned int reg)
{
	if (reg < REG_PC)
		return c->x[reg];
	if (reg >= REG_F0 && reg < REG_FFLAGS)
		return c->f[reg - REG_F0];
	switch (reg) {
	case REG_PC: return c->pc;
	case REG_FFLAGS: return c->fcsr & 31;
	case REG_FRM: return c->fcsr >> 5;
	case REG_FCSR: return c->fcsr;
	case REG_VSTART: return c->vstart;
	case REG_VXSAT: return c->vcsr & 1;
	case REG_VXRM: return c->vcsr >> 1;
	case REG_VCSR: return c->vcsr;
	case REG_VL: return c->vl;
	case REG_VTYPE: return c->vtype;
	case REG_VLENB: return identify->vlen / 8;
	default: return c->instret;
	}
}

/* What the device would refuse is refused here: it would fault the queue for it. */
static bool reg_set(struct gaon_save_core *c, unsigned int reg, uint64_t value)
{
	if (reg < REG_PC) {
		c->x[reg] = reg ? value : 0;
		return reg || !value;
	}
	if (reg >= REG_F0 && reg < REG_FFLAGS) {
		c->f[reg - REG_F0] = value;
		return true;
	}
	switch (reg) {
	case REG_PC:
		c->pc = value;
		return !(value & 1);
	case REG_FFLAGS:
		c->fcsr = (c->fcsr & ~31u) | (value & 31);
		return value <= 31;
	case REG_FRM:
		c->fcsr = (c->fcsr & 31) | (uint32_t)(value & 7) << 5;
		return value <= 7;
	case REG_FCSR:
		c->fcsr = value & 255;
		return value <= 255;
	case REG_VSTART:
		c->vstart = (uint32_t)value;
		return value < identify->vlen;
	case REG_VXSAT:
		c->vcsr = (c->vcsr & ~1u) | (value & 1);
		return value <= 1;
	case REG_VXRM:
		c->vcsr = (c->vcsr & 1) | (uint32_t)(value & 3) << 1;
		return value <= 3;
	case REG_VCSR:
		c->vcsr = value & 7;
		return value <= 7;
	default:
		/* vl, vtype, vlenb and instret are read-only to software, too. */
		return reg_get(c, reg) == value;
	}
}

bool target_reg_read(size_t thread, unsigned int reg, void *value)
{
	uint64_t number;

	if (thread >= thread_count || reg >= REG_COUNT)
		return false;
	if (reg >= REG_V0)
		return vector_access(&threads[thread], reg - REG_V0, value, false);
	number = reg_get(&threads[thread].core, reg);
	memcpy(value, &number, target_reg_bytes(reg));
	return true;
}

bool target_reg_write(size_t thread, unsigned int reg, const void *value)
{
	struct gaon_save_core core;
	uint64_t number = 0;

	if (thread >= thread_count || reg >= REG_COUNT)
		return false;
	if (reg >= REG_V0)
		return vector_access(&threads[thread], reg - REG_V0, (void *)(uintptr_t)value, true);
	memcpy(&number, value, target_reg_bytes(reg));
	core = threads[thread].core;
	if (!reg_set(&core, reg, number))
		return false;
	threads[thread].core = core;
	return core_store(&threads[thread]);
}

/* --- memory ---------------------------------------------------------------------------------- */

/* The scratchpad is the thread's own; *@at is where in the save area; up to @bytes from there. */
static size_t scratchpad(size_t thread, uint64_t va, size_t bytes, uint64_t *at)
{
	const struct thread *t = &threads[thread];
	uint64_t offset = va - GAON_VA_SPM, size = identify->spm_bytes, end = size;

	if (thread >= thread_count || offset >= size)
		return 0;
	if (offset < t->queue->state.spm_bytes)
		end = t->queue->state.spm_bytes;
	else if (offset < size - t->queue->state.stack_bytes)
		return 0;
	*at = core_offset(t->pub.core) + GAON_SAVE_VECTOR + 32ull * identify->vlen / 8 + offset;
	return bytes < end - offset ? bytes : (size_t)(end - offset);
}

static bool is_scratchpad(uint64_t va)
{
	return va >= GAON_VA_SPM && va < GAON_VA_SPM_LIMIT;
}

size_t target_mem_read(size_t thread, uint64_t va, void *data, size_t bytes)
{
	uint64_t at;
	size_t n;

	if (!ctx)
		return 0;
	if (is_scratchpad(va)) {
		n = scratchpad(thread, va, bytes, &at);
		return n && !ops->save_access(threads[thread].queue->ws, at, data, n, false) ? n : 0;
	}
	n = ops->memory(ctx, va, data, bytes, false);
	breaks_hide(va, data, n);
	return n;
}

size_t target_mem_write(size_t thread, uint64_t va, const void *data, size_t bytes)
{
	uint8_t *copy;
	uint64_t at;
	size_t n;

	if (!ctx)
		return 0;
	if (is_scratchpad(va)) {
		n = scratchpad(thread, va, bytes, &at);
		return n && !ops->save_access(threads[thread].queue->ws, at, (void *)(uintptr_t)data, n,
					      true) ? n : 0;
	}
	copy = malloc(bytes + 1);
	if (!copy)
		return 0;
	/* All of it or nothing, for what lies below breakpoints is changed with it. */
	n = ops->memory(ctx, va, copy, bytes, false);
	if (n == bytes) {
		memcpy(copy, data, bytes);
		breaks_write(va, copy, bytes);
		n = ops->memory(ctx, va, copy, bytes, true);
	} else {
		n = 0;
	}
	free(copy);
	return n;
}

/* gdb wants one where a kernel returns to: nothing is there, and the workgroup's end is no stop. */
bool target_break_set(uint64_t va, unsigned int bytes)
{
	return va == GAON_EXIT_PC || (ctx && breaks_set(ws, ctx, va, bytes, false));
}

bool target_break_clear(uint64_t va, unsigned int bytes)
{
	(void)bytes;
	return va == GAON_EXIT_PC || (ctx && breaks_clear(ws, ctx, va, false));
}

/* --- going on -------------------------------------------------------------------------------- */

void target_plan(size_t thread, enum target_action action, bool pass)
{
	threads[thread].action = action;
	threads[thread].pass = pass && threads[thread].core.stop == GAON_STOP_FAULT;
}

static bool resume_queue(struct queue *q, bool others)
{
	bool go = others;

	if (q->saved && q->state.size == sizeof(q->state)) {
		q->state.step = q->state.pass = 0;
		q->state.hold = others ? 0 : ~0ull;
		for (size_t i = 0; i < thread_count; i++) {
			const struct thread *t = &threads[i];
			uint64_t bit = 1ull << t->pub.core;

			if (t->queue != q)
				continue;
			go |= t->action != TARGET_STAY;
			q->state.hold = t->action == TARGET_STAY ? q->state.hold | bit : q->state.hold & ~bit;
			q->state.step |= t->action == TARGET_STEP ? bit : 0;
			q->state.pass |= t->pass && t->action != TARGET_STAY ? bit : 0;
		}
		/* Where all stand there is nothing to wait for. */
		if (!go)
			return false;
		ops->save_access(q->ws, GAON_SAVE_DEBUG, &q->state, sizeof(q->state), true);
	}
	if (!go || ops->resume(q->ws))
		return false;
	q->suspended = false;
	return true;
}

bool target_resume(bool others)
{
	bool going = false;

	if (held_back) {
		held_back = false;
		held_hit = true;
		return true;
	}
	for (size_t i = 0; ctx && i < queue_count; i++)
		if (queues[i].ws && queues[i].suspended)
			going |= resume_queue(&queues[i], others);
	partial = !others;
	standing &= !(going || others);
	return going || others;
}

bool target_partial(void)
{
	return partial;
}

bool target_resume_same(void)
{
	bool any = false;

	for (size_t i = 0; i < thread_count; i++)
		any |= threads[i].action != TARGET_STAY;
	if (!thread_count)
		return target_resume(true);
	return any && target_resume(false);
}

void target_resume_all(void)
{
	for (size_t i = 0; i < thread_count; i++)
		target_plan(i, TARGET_GO, detached && threads[i].pub.signal != SIGNAL_NONE &&
					  threads[i].pub.signal != SIGNAL_TRAP);
	target_resume(true);
}

void target_hold_back(void)
{
	held_back = true;
}

bool target_held_back(void)
{
	bool hit = held_hit;

	held_hit = false;
	return hit;
}

void target_detach(void)
{
	detached = true;
	held_back = waits = tells = false;
	if (ctx)
		breaks_clear_all(ws, ctx, true, true);
	target_resume_all();
}

void target_kill(void)
{
	kill(getpid(), SIGKILL);
}
