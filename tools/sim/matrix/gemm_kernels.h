/* SPDX-License-Identifier: MIT */
/* Tables of kernels: tile_NAME(tile, rows, vectors) instantiated for each count of rows. */
#ifndef GAON_SIM_GEMM_KERNELS_H
#define GAON_SIM_GEMM_KERNELS_H

#define DEFINE_KERNEL_PAIR(name, mr)							\
	static void kern_##name##_##mr##x1(const struct gemm_tile *t)			\
	{										\
		tile_##name(t, mr, 1);							\
	}										\
	static void kern_##name##_##mr##x2(const struct gemm_tile *t)			\
	{										\
		tile_##name(t, mr, 2);							\
	}
#define KERNEL_PAIR(name, mr) { kern_##name##_##mr##x1, kern_##name##_##mr##x2 }

#define DEFINE_KERNELS_TO_3(name)							\
	DEFINE_KERNEL_PAIR(name, 1)							\
	DEFINE_KERNEL_PAIR(name, 2)							\
	DEFINE_KERNEL_PAIR(name, 3)
#define DEFINE_KERNELS_TO_6(name)							\
	DEFINE_KERNELS_TO_3(name)							\
	DEFINE_KERNEL_PAIR(name, 4)							\
	DEFINE_KERNEL_PAIR(name, 5)							\
	DEFINE_KERNEL_PAIR(name, 6)
#define DEFINE_KERNELS_TO_7(name)							\
	DEFINE_KERNELS_TO_6(name)							\
	DEFINE_KERNEL_PAIR(name, 7)
#define DEFINE_KERNELS_TO_14(name)							\
	DEFINE_KERNELS_TO_7(name)							\
	DEFINE_KERNEL_PAIR(name, 8)							\
	DEFINE_KERNEL_PAIR(name, 9)							\
	DEFINE_KERNEL_PAIR(name, 10)							\
	DEFINE_KERNEL_PAIR(name, 11)							\
	DEFINE_KERNEL_PAIR(name, 12)							\
	DEFINE_KERNEL_PAIR(name, 13)							\
	DEFINE_KERNEL_PAIR(name, 14)

#define KERNELS_TO_3(name)								\
	KERNEL_PAIR(name, 1), KERNEL_PAIR(name, 2), KERNEL_PAIR(name, 3)
#define KERNELS_TO_6(name)								\
	KERNELS_TO_3(name), KERNEL_PAIR(name, 4), KERNEL_PAIR(name, 5), KERNEL_PAIR(name, 6)
#define KERNELS_TO_7(name)								\
	KERNELS_TO_6(name), KERNEL_PAIR(name, 7)
#define KERNELS_TO_14(name)								\
	KERNELS_TO_7(name), KERNEL_PAIR(name, 8), KERNEL_PAIR(name, 9), KERNEL_PAIR(name, 10),	\
	KERNEL_PAIR(name, 11), KERNEL_PAIR(name, 12), KERNEL_PAIR(name, 13), KERNEL_PAIR(name, 14)

#define DEFINE_KERNELS_3(name)								\
	DEFINE_KERNELS_TO_3(name)							\
	static gemm_kernel *const name##_kernels[3][2] = { KERNELS_TO_3(name) };
#define DEFINE_KERNELS_6(name)								\
	DEFINE_KERNELS_TO_6(name)							\
	static gemm_kernel *const name##_kernels[6][2] = { KERNELS_TO_6(name) };
#define DEFINE_KERNELS_7(name)								\
	DEFINE_KERNELS_TO_7(name)							\
	static gemm_kernel *const name##_kernels[7][2] = { KERNELS_TO_7(name) };
#define DEFINE_KERNELS_14(name)								\
	DEFINE_KERNELS_TO_14(name)							\
	static gemm_kernel *const name##_kernels[14][2] = { KERNELS_TO_14(name) };

#endif
