// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Objects that travel between the caller's memory and the driver, and may grow. */
#include <linux/err.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "gaon_uobj.h"

/**
 * gaon_uobj_check_array() - whether what the caller says of an array can be
 * @in: that
 * @max: most elements that are taken
 * @min_stride: size of the object in version 1.0 of the interface
 *
 * Return: 0 or -EINVAL.
 */
int gaon_uobj_check_array(const struct drm_gaon_obj_array *in, u32 max, u32 min_stride)
{
	if (!in->count)
		return in->stride || in->array ? -EINVAL : 0;
	if (in->count > max || in->stride < min_stride || in->stride > PAGE_SIZE ||
	    !IS_ALIGNED(in->stride | in->array, 8) || in->array != (uintptr_t)in->array)
		return -EINVAL;
	return 0;
}

/**
 * gaon_uobj_read_array() - copy an array of objects from the caller, whose description was checked
 * @in: the description
 * @obj_size: size of the object now
 * @out: room for all of them
 *
 * Return: 0, -E2BIG (an element has a tail that this driver does not know and that is not 0),
 * -EFAULT.
 */
int gaon_uobj_read_array(const struct drm_gaon_obj_array *in, u32 obj_size, void *out)
{
	u8 __user *from = u64_to_user_ptr(in->array);
	u32 i;
	int err;

	if (in->stride == obj_size)
		return copy_from_user(out, from, array_size(in->count, obj_size)) ? -EFAULT : 0;
	for (i = 0; i < in->count; i++) {
		err = copy_struct_from_user(out + (size_t)i * obj_size, obj_size,
					    from + (size_t)i * in->stride, in->stride);
		if (err)
			return err;
	}
	return 0;
}

/**
 * gaon_uobj_get_array() - copy an array of objects from the caller
 * @in: what the caller said of it
 * @max: most elements that are taken
 * @min_stride: size of the object in version 1.0 of the interface
 * @obj_size: its size now
 *
 * Return: the copy, to be freed with kvfree(); NULL if it is empty; ERR_PTR of -EINVAL, -ENOMEM or
 * what gaon_uobj_read_array() gives.
 */
void *gaon_uobj_get_array(const struct drm_gaon_obj_array *in, u32 max, u32 min_stride,
			  u32 obj_size)
{
	int err = gaon_uobj_check_array(in, max, min_stride);
	void *out;

	if (err || !in->count)
		return ERR_PTR(err);
	out = kvmalloc_array(in->count, obj_size, GFP_KERNEL_ACCOUNT);
	if (!out)
		return ERR_PTR(-ENOMEM);
	err = gaon_uobj_read_array(in, obj_size, out);
	if (err) {
		kvfree(out);
		return ERR_PTR(err);
	}
	return out;
}

/**
 * gaon_uobj_put() - write an object to the caller
 * @pointer: where; 0: only tell the size
 * @size: in: bytes there; out: of the object
 * @obj: what
 * @obj_size: its bytes
 *
 * Return: 0 or -EFAULT.
 */
int gaon_uobj_put(u64 pointer, u32 *size, const void *obj, u32 obj_size)
{
	u8 __user *to = u64_to_user_ptr(pointer);
	u32 copied = min(*size, obj_size);

	if (pointer) {
		if (pointer != (uintptr_t)pointer || copy_to_user(to, obj, copied) ||
		    clear_user(to + copied, *size - copied))
			return -EFAULT;
	}
	*size = obj_size;
	return 0;
}
