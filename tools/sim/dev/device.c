// SPDX-License-Identifier: MIT
/* Creating, resetting and destroying a device; its memory; its log. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "devside.h"
#include "lie.h"

#define MIB	(1ull << 20)
#define GIB	(1ull << 30)

void sim_log(struct gaon_sim *sim, int level, const char *fmt, ...)
{
	char line[256];
	va_list ap;

	if (!sim->ops.log)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	sim->ops.log(sim->ops_ctx, level, line);
}

/* --- configuration ----------------------------------------------------------------------------- */

/* A caller with a newer structure may pass it as long as it asks for nothing unknown. */
static bool config_copy(struct gaon_sim_config *out, const struct gaon_sim_config *in)
{
	const uint8_t *bytes = (const uint8_t *)in;
	size_t size = in ? in->size : sizeof(*out);

	memset(out, 0, sizeof(*out));
	if (!in)
		return true;
	if (size < sizeof(in->size))
		return false;
	for (size_t i = sizeof(*out); i < size; i++)
		if (bytes[i])
			return false;
	memcpy(out, in, size < sizeof(*out) ? size : sizeof(*out));
	return true;
}

static void config_defaults(struct gaon_sim_config *c)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	c->size = sizeof(*c);
	if (!c->hbm_bytes)
		c->hbm_bytes = 32 * GIB;
	if (!c->aperture_bytes)
		c->aperture_bytes = c->hbm_bytes;
	if (!c->spm_bytes)
		c->spm_bytes = 4 * MIB;
	if (!c->cores)
		c->cores = 4;
	if (!c->vlen)
		c->vlen = 4096;
	if (!c->slots)
		c->slots = 32;
	if (!c->msix_vectors)
		c->msix_vectors = GAON_MSIX_VECTORS;
	if (!c->threads)
		c->threads = cpus > 0 ? (cpus < 256 ? cpus : 256) : 1;
}

static bool config_valid(const struct gaon_sim_config *c)
{
	return c->hbm_bytes >= 16 * MIB && c->hbm_bytes <= 1024 * GIB &&
	       !(c->hbm_bytes & (2 * MIB - 1)) &&
	       c->aperture_bytes >= MIB && c->aperture_bytes <= c->hbm_bytes &&
	       !(c->aperture_bytes & (MIB - 1)) &&
	       c->spm_bytes >= 65536 && c->spm_bytes <= 64 * MIB && !(c->spm_bytes & 4095) &&
	       c->cores <= SIM_CORES_MAX && c->slots <= SIM_SLOTS_MAX && c->threads <= 256 &&
	       c->msix_vectors <= GAON_MSIX_VECTORS &&
	       c->vlen >= SIM_VLEN_MIN && c->vlen <= SIM_VLEN_MAX && !(c->vlen & (c->vlen - 1)) &&
	       c->effects <= GAON_SIM_EFFECTS_LATE && c->public_key_count <= 64 &&
	       !c->public_keys == !c->public_key_count &&
	       c->ports <= GAON_PORTS_MAX && c->serial <= SIM_SERIAL_MAX &&
	       c->ambient_mc >= 0 && c->ambient_mc <= SIM_AMBIENT_MAX_MC;
}

/* The caller's strings and keys need not live as long as the device. */
static bool config_own(struct gaon_sim_config *c)
{
	size_t bytes = 32 * (size_t)c->public_key_count;
	uint8_t (*keys)[32];

	if (c->public_keys) {
		keys = malloc(bytes);
		if (keys)
			memcpy(keys, c->public_keys, bytes);
		c->public_keys = (const uint8_t (*)[32])keys;
		if (!keys) {
			c->nv_path = NULL;
			return false;
		}
	}
	if (c->nv_path)
		c->nv_path = strdup(c->nv_path);
	return true;
}

/* --- HBM --------------------------------------------------------------------------------------- */

static int hbm_create(struct gaon_sim *sim)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	void *map;

	/* Private memory gets huge pages on most hosts, a memory file on few. */
	if (sim->config.share_hbm) {
		sim->hbm_fd = memfd_create("gaon-hbm", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		/* Whoever gets the file must not be able to take memory away from under the model. */
		if (sim->hbm_fd < 0 || ftruncate(sim->hbm_fd, sim->config.hbm_bytes) ||
		    fcntl(sim->hbm_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
			return -ENOMEM;
		flags = MAP_SHARED;
	}
	map = mmap(NULL, sim->config.hbm_bytes, PROT_READ | PROT_WRITE, flags | MAP_NORESERVE,
		   sim->hbm_fd, 0);
	if (map == MAP_FAILED)
		return -ENOMEM;
	sim->hbm = map;
	madvise(map, sim->config.hbm_bytes, MADV_HUGEPAGE);
	return 0;
}

/*
 * Whole pages go back to the host, which reads them as zeros from then on: a driver clears all of
 * what it hands out, and most of that is never touched.
 */
void sim_hbm_clear(struct gaon_sim *sim, uint8_t *host, uint64_t bytes)
{
	uint64_t head = -(uintptr_t)host & (GAON_PAGE_SIZE - 1);
	uint64_t whole = bytes > head ? (bytes - head) & ~(GAON_PAGE_SIZE - 1) : 0;

	if (!whole || madvise(host + head, whole, sim->config.share_hbm ? MADV_REMOVE : MADV_DONTNEED)) {
		memset(host, 0, bytes);
		return;
	}
	/*
	 * What is cleared is written here and there for long, as a cache for a long context whose beginning
	 * alone is used: a huge page for each such place would be resident in vain.
	 */
	madvise(host + head, whole, MADV_NOHUGEPAGE);
	memset(host, 0, head);
	memset(host + head + whole, 0, bytes - head - whole);
}

void *gaon_sim_hbm(struct gaon_sim *sim, uint64_t *len)
{
	*len = sim->identify.aperture_bytes;
	return sim->hbm;
}

int gaon_sim_hbm_fd(struct gaon_sim *sim)
{
	return sim->hbm_fd;
}

/* --- reset ------------------------------------------------------------------------------------- */

static void contexts_reset(struct gaon_sim *sim)
{
	for (uint32_t i = 0; i < GAON_CONTEXTS; i++) {
		struct sim_context *ctx = &sim->contexts[i];

		ctx->enabled = false;
		ctx->id = i;
		ctx->asid = 0;
		ctx->ring = 0;
		ctx->root_pa = 0;
		ctx->print_va = 0;
		ctx->epoch++;
		/* Whatever is cached anywhere under an older generation is dead. */
		atomic_fetch_add(&ctx->tlb_gen, 1);
	}
}

void sim_reset_chip(struct gaon_sim *sim, enum sim_reset what)
{
	uint64_t resets = sim->tele.resets;

	sim_run_quiesce_begin(sim);
	sim->generation++;
	sim_engines_reset(sim);
	sim_slots_reset(sim);
	sim_doorbells_reset(sim);
	contexts_reset(sim);
	sim_mmu_reset(sim, what != SIM_RESET_FIRMWARE);
	sim_regs_reset(sim);
	sim_mcubus_reset(sim);
	if (what == SIM_RESET_FUNCTION)
		sim_pci_reset(sim);
	memset(&sim->tele, 0, sizeof(sim->tele));
	sim->tele.resets = resets + 1;
	sim_ras_reset(sim);
	if (what != SIM_RESET_FIRMWARE) {
		sim_hbm_clear(sim, sim->hbm, sim->config.hbm_bytes);
		madvise(sim->hbm, sim->config.hbm_bytes, MADV_HUGEPAGE);	/* as it was made */
		sim_ports_reset(sim);
	}
	sim_run_quiesce_end(sim);
	sim_run_notify(sim);
}

void gaon_sim_reset(struct gaon_sim *sim)
{
	sim_lock(sim);
	sim_reset_chip(sim, SIM_RESET_FUNCTION);
	sim_unlock(sim);
}

void gaon_sim_pull(struct gaon_sim *sim)
{
	sim_lock(sim);
	sim->pulled = true;
	sim_reset_chip(sim, SIM_RESET_FUNCTION);
	sim_unlock(sim);
}

void gaon_sim_dma_quiesce(struct gaon_sim *sim)
{
	sim_lock(sim);
	sim_run_quiesce_begin(sim);
	sim_run_quiesce_end(sim);
	sim_unlock(sim);
}

/* --- life -------------------------------------------------------------------------------------- */

static int device_create_parts(struct gaon_sim *sim)
{
	int error = hbm_create(sim);

	if (error)
		return error;
	sim->regs = calloc(1, sizeof(*sim->regs));
	sim->tlbi = calloc(1, sizeof(*sim->tlbi));
	sim->mmu = calloc(1, sizeof(*sim->mmu));
	if (!sim->regs || !sim->tlbi || !sim->mmu || sim_lie_create(sim))
		return -ENOMEM;
	sim_identify_fill(sim);
	error = sim_doorbells_create(sim);
	if (!error)
		error = sim_pci_create(sim);
	if (!error)
		error = sim_mcubus_create(sim);
	if (!error)
		error = sim_engines_create(sim);
	if (error)
		return error;
	sim_slots_reset(sim);
	contexts_reset(sim);
	sim_regs_reset(sim);
	sim_ras_reset(sim);
	sim_ports_reset(sim);
	return sim_run_create(sim);
}

/* Adaptive: the lock is held for well under a microsecond as a rule. */
static void device_create_lock(struct gaon_sim *sim)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
	pthread_mutex_init(&sim->lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

struct gaon_sim *gaon_sim_create(const struct gaon_sim_config *config,
				 const struct gaon_sim_host_ops *ops, void *ctx)
{
	struct gaon_sim_config c;
	struct gaon_sim *sim;
	int error;

	if (!config_copy(&c, config)) {
		errno = EINVAL;
		return NULL;
	}
	config_defaults(&c);
	if (!config_valid(&c)) {
		errno = EINVAL;
		return NULL;
	}
	sim = calloc(1, sizeof(*sim));
	if (!sim) {
		errno = ENOMEM;
		return NULL;
	}
	sim->hbm_fd = -1;
	if (ops)
		sim->ops = *ops;
	sim->ops_ctx = ctx;
	device_create_lock(sim);
	if (!config_own(&c)) {
		error = -ENOMEM;
	} else {
		sim->config = c;
		error = device_create_parts(sim);
	}
	if (error) {
		gaon_sim_destroy(sim);
		errno = -error;
		return NULL;
	}
	return sim;
}

void gaon_sim_destroy(struct gaon_sim *sim)
{
	if (!sim)
		return;
	sim_run_destroy(sim);
	sim_engines_destroy(sim);
	sim_mcubus_destroy(sim);
	sim_lie_destroy(sim);
	sim_pci_destroy(sim);
	sim_doorbells_destroy(sim);
	free(sim->regs);
	free(sim->tlbi);
	free(sim->mmu);
	if (sim->hbm)
		munmap(sim->hbm, sim->config.hbm_bytes);
	if (sim->hbm_fd >= 0)
		close(sim->hbm_fd);
	free((void *)(uintptr_t)sim->config.public_keys);
	free((char *)(uintptr_t)sim->config.nv_path);
	pthread_mutex_destroy(&sim->lock);
	free(sim);
}
