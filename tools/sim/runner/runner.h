/* SPDX-License-Identifier: MIT */
/*
 * The bare-metal ELF runner: options, the loader's result, and the hook for the management core.
 */
#ifndef GAON_SIM_RUNNER_H
#define GAON_SIM_RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit statuses of the runner's own; a program's status is tohost >> 1. */
#define SIM_RUNNER_LIMIT	124	/* --max-instructions reached */
#define SIM_RUNNER_ERROR	125	/* bad options or file, no memory */
#define SIM_RUNNER_STUCK	126	/* the program faults where nothing can handle it */

struct sim_runner_options {
	bool trace;
	unsigned int vlen;
	uint64_t max_instructions;	/* UINT64_MAX: no limit */
};

/**
 * sim_runner_mcu() - run an RV32 ELF on the management core
 * @path: the file
 * @options: @vlen means nothing here
 *
 * The default, overridden by the management core's own, says that it is not built.
 *
 * Return: the process's exit status.
 */
int sim_runner_mcu(const char *path, const struct sim_runner_options *options);

/* Run an RV64 ELF on a core; returns the process's exit status. */
int sim_runner_core(const char *path, const struct sim_runner_options *options);

/* --- ELF files (elf.c), 32 or 64 bits, little endian, RISC-V, executable -------------------- */

#define SIM_ELF_SEGMENTS	64

struct sim_elf_segment {
	uint64_t address;	/* physical; address + memory_size does not wrap */
	uint64_t memory_size;	/* at least file_size */
	uint64_t file_size;
	const uint8_t *bytes;	/* inside sim_elf.file */
};

struct sim_elf {
	uint8_t *file;
	size_t file_size;
	unsigned int bits;
	uint64_t entry;
	uint64_t tohost, fromhost;	/* 0 if the file has no such symbol */
	unsigned int segments;
	struct sim_elf_segment segment[SIM_ELF_SEGMENTS];
};

/**
 * sim_elf_parse() - check an ELF image and find what a loader needs
 * @elf: result; refers to @file
 * @message: what is wrong, on failure
 *
 * The file is hostile: nothing in it is used unchecked.
 *
 * Return: 0, or -1 with *@message set.
 */
int sim_elf_parse(struct sim_elf *elf, uint8_t *file, size_t size, const char **message);

/* Read and parse a file; freed by sim_elf_close(). Says on stderr what is wrong. Returns 0 or -1. */
int sim_elf_open(struct sim_elf *elf, const char *path);
void sim_elf_close(struct sim_elf *elf);

#endif
