/* SPDX-License-Identifier: MIT */
/*
 * Memory files belong to others, who may cut them short while they are mapped here; an access then
 * raises SIGBUS.  Inside a guarded mapping the page is replaced by an empty one of our own, so that
 * the access goes on with what nobody will look at, and a flag tells the owner of the mapping.
 */
#ifndef GAON_SIM_VFIO_GUARD_H
#define GAON_SIM_VFIO_GUARD_H

#include <stdatomic.h>
#include <stddef.h>

/* Once per process, before the first mapping; 0 or -errno. */
int vfu_guard_install(void);

/* @page: bytes of the file system's pages. Returns a number for vfu_guard_remove(), or -ENOSPC. */
int vfu_guard_add(void *start, size_t bytes, size_t page, atomic_bool *lost);
/* Before the mapping goes away. */
void vfu_guard_remove(int guard);

#endif
