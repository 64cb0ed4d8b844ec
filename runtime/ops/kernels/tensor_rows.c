// SPDX-License-Identifier: MIT
/* Rows of any type and stride to dense f32 and back, and from one place to another. */
#include "tensor_rows.h"

#include "blocks.h"

#define UNPACK(type)									\
	do {										\
		for (uint64_t i = 0; i < n; i++)					\
			to[i] = (float)*(const type *)(at + i * nb);			\
	} while (0)

/* Dense rows apart from strided ones: a known stride becomes a plain vector load. */
#define UNPACK_EITHER(type)								\
	do {										\
		if (nb == sizeof(type)) {						\
			nb = sizeof(type);						\
			UNPACK(type);							\
		} else {								\
			UNPACK(type);							\
		}									\
	} while (0)

void rows_unpack(const struct gaon_tensor *t, const char *restrict at, uint64_t n, float *restrict to)
{
	uint64_t nb = t->nb[0];

	switch (t->type) {
	case GAON_TYPE_F32: UNPACK_EITHER(float); break;
	case GAON_TYPE_F16: UNPACK_EITHER(_Float16); break;
	case GAON_TYPE_BF16: UNPACK_EITHER(__bf16); break;
	case GAON_TYPE_I32: UNPACK_EITHER(int32_t); break;
	default: blocks_unpack(t->type, at, nb, n / rows_block(t->type), to);
	}
}

#define PACK(type)									\
	do {										\
		for (uint64_t i = 0; i < n; i++)					\
			*(type *)(at + i * nb) = (type)from[i];				\
	} while (0)

#define PACK_EITHER(type)								\
	do {										\
		if (nb == sizeof(type)) {						\
			nb = sizeof(type);						\
			PACK(type);							\
		} else {								\
			PACK(type);							\
		}									\
	} while (0)

void rows_pack(const struct gaon_tensor *t, char *restrict at, uint64_t n, const float *restrict from)
{
	uint64_t nb = t->nb[0];

	switch (t->type) {
	case GAON_TYPE_F32: PACK_EITHER(float); break;
	case GAON_TYPE_F16: PACK_EITHER(_Float16); break;
	case GAON_TYPE_BF16: PACK_EITHER(__bf16); break;
	case GAON_TYPE_I32: PACK_EITHER(int32_t); break;
	default: blocks_pack(t->type, at, nb, n / GAON_BLOCK_K, from);
	}
}

void rows_convert(const struct gaon_tensor *dst, char *to, const struct gaon_tensor *src,
		  const char *from, uint64_t n, float *spare)
{
	if (rows_plain(dst)) {
		rows_unpack(src, from, n, (float *)to);
		return;
	}
	if (rows_plain(src)) {
		rows_pack(dst, to, n, (const float *)from);
		return;
	}
	for (uint64_t done = 0; done < n; done += ROWS_PART) {
		uint64_t some = n - done < ROWS_PART ? n - done : ROWS_PART;

		rows_unpack(src, from + done / rows_block(src->type) * src->nb[0], some, spare);
		rows_pack(dst, to + done / rows_block(dst->type) * dst->nb[0], some, spare);
	}
}

#define MOVE(type)									\
	do {										\
		for (uint64_t i = 0; i < n; i++)					\
			*(type *)(to + i * to_nb) = *(const type *)(from + i * from_nb);\
	} while (0)

static void move_dense(char *restrict to, const char *restrict from, uint64_t bytes)
{
	for (uint64_t i = 0; i < bytes; i++)
		to[i] = from[i];
}

void rows_move(char *restrict to, uint64_t to_nb, const char *restrict from, uint64_t from_nb,
	       uint64_t n, uint32_t bytes)
{
	if (to_nb == bytes && from_nb == bytes) {
		move_dense(to, from, n * bytes);
		return;
	}
	switch (bytes) {
	case 1: MOVE(uint8_t); break;
	case 2: MOVE(uint16_t); break;
	case 4: MOVE(uint32_t); break;
	case 8: MOVE(uint64_t); break;
	default:
		for (uint64_t i = 0; i < n; i++)
			move_dense(to + i * to_nb, from + i * from_nb, bytes);
	}
}
