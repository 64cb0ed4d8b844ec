// SPDX-License-Identifier: MIT
/* The tests, in the order in which they are run: each relies on those before it. */
#include "diag.h"

const struct diag_test diag_tests[] = {
	{ "software", 1, "kernel, module, firmware, node, rights, library: what `gaon doctor` looks at", diag_software },
	{ "open", 1, "the device opens, and says what it is", diag_open_test },
	{ "copy", 1, "64 KiB to the device and back", diag_copy },
	{ "launch", 1, "a short kernel on every core", diag_launch_test },
	{ "integer", 2, "every integer instruction on every core", diag_integer },
	{ "float", 2, "every scalar floating-point instruction, in three formats", diag_float },
	{ "atomic", 2, "every atomic instruction", diag_atomic },
	{ "vector", 2, "vector instructions: integers, floats, moves, reductions, memory", diag_vector },
	{ "matrix", 2, "products of every type on every matrix array", diag_matrix },
	{ "dma", 2, "every DMA channel: in a row, by strides, by an index", diag_dma },
	{ "copies", 2, "copies and fills of several streams at a time", diag_copies },
	{ "scratchpad", 2, "patterns in the scratchpad of every core", diag_scratchpad },
	{ "memory", 2, "patterns in a part of device memory (--memory, 64M)", diag_memory_short },
	{ "link-speed", 2, "copies from and to the host; lanes and rate of the PCIe link", diag_link_speed },
	{ "ports", 2, "ports of links to other cards: who should be there, speed, spoilt frames", diag_ports },
	{ "memory-speed", 2, "loads of all cores from device memory", diag_memory_speed },
	{ "clock", 2, "the clock of every core", diag_clock },
	{ "matrix-speed", 2, "products of bf16 on all matrix arrays", diag_matrix_speed },
	{ "stress", 3, "all that is compared, again and again (--time, 60 s); heat, power, clock", diag_stress },
	{ "queues", 3, "a dozen streams of all priorities, copies and launches (--time, 20 s)", diag_queues },
	{ "links", 3, "the link to the host both ways, and to other cards and back (--time, 20 s)", diag_links },
	{ "march", 4, "all free device memory (--memory): march C-, addresses, random words", diag_march },
	{ "soak", 4, "the same as stress with patterns in memory (--time, 600 s)", diag_soak },
	{ "errors", 1, "errors of memories and links that the device counted", diag_errors },
	{ 0 },
};
