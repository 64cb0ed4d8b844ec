#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR MIT
# conftest.sh OUTPUT COMPILER FLAGS...: asks the compiler what the kernel's headers have, and writes
# GAON_HAVE_* to OUTPUT. Called by Kbuild with the flags of a module's object files. Does nothing if
# OUTPUT is of these flags and this script already.
set -eu

output=$1
shift
key=$(printf '%s\n' "$PWD" "$@" | cat - "$0" | cksum)
[ -f "$output" ] && grep -qF "key: $key" "$output" && exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# have NAME: the program on standard input compiles.
have() {
	cat >"$work/$1.c"
	shift_name=$1
	(
		# shellcheck disable=SC2086 # a compiler and its arguments
		if sh -c '"$@"' sh $compiler -Werror=implicit-function-declaration -Werror=incompatible-pointer-types \
			-Werror=int-conversion -c -o "$work/$shift_name.o" "$work/$shift_name.c" \
			>"$work/$shift_name.log" 2>&1; then
			echo "#define GAON_HAVE_$shift_name 1" >"$work/$shift_name.h"
		fi
	) &
}
compiler="$*"

# If this does not compile nothing below means anything.
have BASE <<'END'
#include <drm/drm_drv.h>
int probe(struct drm_device *drm) { return drm->driver->major; }
END

have DRIVER_GEM_GPUVA <<'END'
#include <drm/drm_drv.h>
int probe = DRIVER_GEM_GPUVA;
END

have DRIVER_DATE <<'END'
#include <drm/drm_drv.h>
const struct drm_driver probe = { .date = "0" };
END

have GEM_ACTIVE <<'END'
#include <drm/drm_gem.h>
int probe = DRM_GEM_OBJECT_ACTIVE;
END

have GPUVM_IMMEDIATE_MODE <<'END'
#include <drm/drm_gpuvm.h>
int probe = DRM_GPUVM_IMMEDIATE_MODE;
END

have GPUVM_MAP_REQ <<'END'
#include <drm/drm_gpuvm.h>
int probe(struct drm_gpuvm *gpuvm, const struct drm_gpuvm_map_req *req)
{
	return drm_gpuvm_sm_map(gpuvm, NULL, req);
}
END

have TTM_ALLOC_FLAGS <<'END'
#include <drm/ttm/ttm_device.h>
int probe = TTM_ALLOCATION_POOL_USE_DMA_ALLOC;
END

have TTM_POOL_LRU <<'END'
#include <drm/ttm/ttm_pool.h>
void probe(struct ttm_pool_type *type) { list_lru_destroy(&type->pages); }
END

have DMA_SKIP_SYNC <<'END'
#include <linux/device.h>
int probe(const struct device *dev) { return dev_dma_skip_sync(dev); }
END

have DMEM <<'END'
#include <linux/cgroup_dmem.h>
#include <drm/drm_drv.h>
#include <drm/ttm/ttm_resource.h>
void probe(struct drm_device *drm, struct ttm_resource_manager *man)
{
	const struct dmem_cgroup_init init = { .size = 1 };

	ttm_resource_manager_set_dmem_region(man, drmm_cgroup_register_region(drm, "x", &init));
}
END

have TTM_BO_FINI <<'END'
#include <drm/ttm/ttm_bo.h>
void probe(struct ttm_buffer_object *bo) { ttm_bo_fini(bo); }
END

have FENCE_DETACHES <<'END'
#include <linux/dma-fence.h>
spinlock_t *probe(struct dma_fence *fence) { return &fence->inline_lock; }
END

have DMA_BUF_INVALIDATE <<'END'
#include <linux/dma-buf.h>
void probe(struct dma_buf *buf) { dma_buf_invalidate_mappings(buf); }
END

have DRM_RAS <<'END'
#include <drm/drm_ras.h>
int probe(struct drm_ras_node *node) { return drm_ras_node_register(node); }
END

have WQ_PERCPU <<'END'
#include <linux/workqueue.h>
int probe = WQ_PERCPU;
END

have SHMEM_VMA_FLAGS <<'END'
#include <linux/mm.h>
#include <linux/shmem_fs.h>
struct file *probe(vma_flags_t flags) { return shmem_file_setup("x", 1, flags); }
END

wait
if [ ! -f "$work/BASE.h" ]; then
	cat "$work/BASE.log" >&2
	echo "conftest.sh: a trivial file does not compile against the kernel's headers; the lines above say why" >&2
	exit 1
fi
{
	echo "/* Written by conftest.sh. key: $key */"
	cat "$work"/*.h
} >"$output.tmp"
mv "$output.tmp" "$output"
