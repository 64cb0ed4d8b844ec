/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_UOBJ_H_
#define _GAON_UOBJ_H_

#include <linux/types.h>

#include <uapi/drm/gaon_accel.h>

int gaon_uobj_check_array(const struct drm_gaon_obj_array *in, u32 max, u32 min_stride);
int gaon_uobj_read_array(const struct drm_gaon_obj_array *in, u32 obj_size, void *out);
void *gaon_uobj_get_array(const struct drm_gaon_obj_array *in, u32 max, u32 min_stride,
			  u32 obj_size);
int gaon_uobj_put(u64 pointer, u32 *size, const void *obj, u32 obj_size);

/**
 * GAON_UOBJ_GET_ARRAY() - copy an array of objects from the caller
 * @in: the &struct drm_gaon_obj_array
 * @max: most elements that are taken
 * @type: the object's type
 * @last: last field of the object in version 1.0 of the interface
 *
 * Return: the copy, to be freed with kvfree(), NULL if the array is empty, or an ERR_PTR.
 */
#define GAON_UOBJ_GET_ARRAY(in, max, type, last)					\
	((type *)gaon_uobj_get_array(in, max, offsetofend(type, last), sizeof(type)))

#endif
