/* SPDX-License-Identifier: MIT */
/*
 * libgaon: devices, memory, copies, streams, events, modules and kernels of a Gaon accelerator.
 * Guide: Documentation/runtime/guide.rst.
 *
 * What holds for every call here unless its comment says otherwise:
 *
 * Results.    A fallible call returns enum gaon_status; outputs come last and are untouched on
 *             failure. gaon_last_error() of the same thread then says what failed, where and what
 *             to do about it.
 * Handles.    Objects are opaque. A handle that is NULL, or was never one, or is of another kind is
 *             GAON_ERROR_INVALID_HANDLE; one whose object was destroyed, freed or closed (also by
 *             closing its device) is GAON_ERROR_CLOSED: both are found out, never undefined.
 * Lifetime.   create, alloc, load and open give the caller one reference; retain adds one; destroy,
 *             free, unload and close drop one. The last reference to a device ends everything made
 *             from it.
 * Threads.    Every call may be made from any thread at any time. Calls on one stream from several
 *             threads take effect in some order, each as a whole.
 * Blocking.   Only what takes a timeout or says "blocks" waits for the device. Timeouts are
 *             nanoseconds; 0 looks once, GAON_FOREVER waits without limit.
 * Callbacks.  A blocking call from a host callback is GAON_ERROR_WRONG_THREAD: it would wait for
 * itself.
 * Fork.       In a child process every handle of the parent is GAON_ERROR_FORKED; the child may open
 *             its own device.
 * Addresses.  Device addresses are uint64_t and belong to one opened device; arithmetic on them
 *             works as on pointers. Host addresses are pointers.
 * Structures. The first member is `size`, set to sizeof the structure: fields that the caller's
 *             header did not know are zero; non-zero fields that the library does not know are
 *             GAON_ERROR_STRUCT_SIZE. In structures that the library fills, size says how much of it.
 * Statuses.   Besides those named at each call, any call may return INVALID_ARGUMENT,
 *             INVALID_HANDLE, CLOSED, FORKED, OUT_OF_MEMORY, DEVICE_LOST and INTERNAL.
 */
#ifndef GAON_GAON_H
#define GAON_GAON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define GAON_API __attribute__((visibility("default")))
#else
#define GAON_API
#endif

#define GAON_FOREVER	UINT64_MAX

struct gaon_device;	/* an opened device: an address space of its own on a card */
struct gaon_mem;	/* memory of a device or of the host, visible to both as far as its kind says */
struct gaon_stream;	/* work done in order */
struct gaon_event;	/* a point in a stream */
struct gaon_module;	/* a loaded device program */
struct gaon_kernel;	/* an entry of a module; lives as long as the module */
struct gaon_semaphore;	/* a number that only grows: order between processes */
struct gaon_graph;	/* recorded work, replayed by one packet */

/* ------------------------------------------------------------------------------------------ */
/* Status and errors                                                                           */

/* Values never change meaning. */
enum gaon_status {
	GAON_OK = 0,
	GAON_ERROR_INVALID_ARGUMENT = 1,
	GAON_ERROR_INVALID_HANDLE = 2,	/* NULL, never a handle, or of another kind */
	GAON_ERROR_CLOSED = 3,	/* destroyed, freed or closed before: also a double free */
	GAON_ERROR_FORKED = 4,	/* made by the parent process */
	GAON_ERROR_WRONG_THREAD = 5,	/* blocking call inside a host callback */
	GAON_ERROR_STRUCT_SIZE = 6,	/* size member too small, or unknown non-zero fields */
	GAON_ERROR_OUT_OF_MEMORY = 7,	/* host */
	GAON_ERROR_OUT_OF_DEVICE_MEMORY = 8,
	GAON_ERROR_INVALID_ADDRESS = 9,	/* not inside memory that this device knows */
	GAON_ERROR_NOT_READY = 10,	/* a query found the work unfinished */
	GAON_ERROR_TIMEOUT = 11,	/* the work goes on */
	GAON_ERROR_FAULT = 12,	/* the stream's work faulted: gaon_stream_get_fault() */
	GAON_ERROR_DEVICE_LOST = 13,	/* only closing helps */
	GAON_ERROR_NO_DEVICE = 14,
	GAON_ERROR_PERMISSION = 15,
	GAON_ERROR_BUSY = 16,	/* held by another process, in reset, or still in use */
	GAON_ERROR_FIRMWARE = 17,	/* missing, refused by the ROM, or of another ABI */
	GAON_ERROR_INVALID_MODULE = 18,	/* not a device program, or a damaged one */
	GAON_ERROR_WRONG_MACHINE = 19,	/* of another machine, or needs what the device lacks */
	GAON_ERROR_NOT_FOUND = 20,	/* no such kernel, symbol or file */
	GAON_ERROR_ARGUMENTS_SIZE = 21,	/* packed arguments are not what the kernel's metadata says */
	GAON_ERROR_LIMIT = 22,	/* grid, scratchpad, streams: more than the device has */
	GAON_ERROR_STATE = 23,	/* not in this state: event never recorded, stream recording, ... */
	GAON_ERROR_UNSUPPORTED = 24,
	GAON_ERROR_INTERNAL = 25,
};

/**
 * struct gaon_error - what the last failed call of this thread met
 * @status: its status, GAON_OK if none failed yet
 * @sys_errno: errno of the system call at fault, or 0
 * @line: source line of origin
 * @file: source file of origin
 * @device: name of the device concerned, or ""
 * @text: one sentence: what went wrong
 * @hint: what to do about it, or ""
 */
struct gaon_error {
	enum gaon_status status;
	int sys_errno;
	int line;
	const char *file;
	const char *device;
	const char *text;
	const char *hint;
};

/* Name of a status as spelt in the enum, "GAON_ERROR_?" for an unknown one. Never NULL. */
GAON_API const char *gaon_status_name(enum gaon_status status);

/* Never NULL; valid until this thread's next failing call. Successful calls leave it alone. */
GAON_API const struct gaon_error *gaon_last_error(void);

/* "0.1.0". */
GAON_API const char *gaon_version(void);

enum gaon_log_level {
	GAON_LOG_NONE,
	GAON_LOG_ERROR,
	GAON_LOG_WARNING,
	GAON_LOG_INFO,
	GAON_LOG_DEBUG,
};

/*
 * One line without its newline. Called from any thread, one call at a time; must not call libgaon.
 */
typedef void (*gaon_log_fn)(void *arg, enum gaon_log_level level, const char *line);

/*
 * Lines up to @level go to @fn, or to standard error if @fn is NULL. GAON_LOG=error|warning|info|
 * debug sets the level at start (default: warning); GAON_LOG_FILE names a file instead of stderr.
 */
GAON_API void gaon_log_set(gaon_log_fn fn, void *arg, enum gaon_log_level level);

/**
 * struct gaon_print - one printf of a device kernel, or an assertion that failed
 * @size: how much of the structure the library knows
 * @kernel: the kernel's name, "?" if its module is unloaded
 * @file, @line: where in its source
 * @workgroup: linear number of the workgroup
 * @stream: number of the stream, as in faults; UINT32_MAX if it was destroyed
 * @operation: how many operations the stream had been given before the one that printed
 * @assertion: it is of an assertion, whose fault follows
 * @text: a line or a part of one
 */
struct gaon_print {
	size_t size;
	const char *kernel;
	const char *file;
	uint32_t line;
	uint32_t workgroup;
	uint32_t stream;
	bool assertion;
	uint64_t operation;
	const char *text;
};

/*
 * In the order of each workgroup; all of it is valid during the call only. Called from any thread that
 * waits for the device, one call at a time; must not call libgaon.
 */
typedef void (*gaon_print_fn)(void *arg, const struct gaon_print *print);

/* Where printf of device kernels goes; NULL: its text to standard output. Process-wide. */
GAON_API void gaon_print_set(gaon_print_fn fn, void *arg);

/**
 * struct gaon_fault - the first fault of a stream since it was made or cleared
 * @size: set by the caller
 * @type: GAON_FAULT_* of hw/gaon_event.h
 * @type_name: its name, "page fault"; static
 * @access: GAON_ACCESS_* (0 none, 1 fetch, 2 read, 3 write, 4 atomic)
 * @core: core number, 255 if no core was involved
 * @stream: number of the stream, as in logs
 * @context: number of the context on the card
 * @operation: how many operations the stream had been given before the one that faulted
 * @operation_name: "launch", "copy", ...; static
 * @kernel: kernel's name, "" if the operation launched none; of a graph's, the one that faulted
 * @workgroup: linear number of the workgroup
 * @pc: program counter, 0 if not known; @pc_offset: the same less the module's load address
 * @va: address accessed
 * @syndrome: instruction bits or reason code, by type
 * @cycle: modelled cycle
 * @text: all of it in one line, as in the log; ends in the assertion's text if it was one
 */
struct gaon_fault {
	size_t size;
	uint32_t type;
	uint32_t access;
	uint32_t core;
	uint32_t stream;
	uint32_t context;
	uint32_t workgroup;
	uint64_t operation;
	uint64_t pc, pc_offset;
	uint64_t va;
	uint64_t syndrome;
	uint64_t cycle;
	const char *type_name;
	const char *operation_name;
	char kernel[64];
	char text[384];
};

/* ------------------------------------------------------------------------------------------ */
/* Devices                                                                                     */

/**
 * struct gaon_device_info - properties of a device
 * @size: set by the caller
 * @name: what gaon_device_open() takes, "embedded" or "accel0"
 * @product: from the device
 * @firmware: version and build text
 * @transport: "embedded" (the model in this process) or "pci"
 * @serial: 16 bytes
 * @hbm_bytes: device memory; @spm_bytes: scratchpad of each core
 * @cores, @vlen, @dlen: cores; bits of a vector register; bits of vector work per pipe and cycle
 * @vector_pipes, @matrix_arrays, @matrix_dim, @dma_channels: of each core
 * @copy_engines: for copies and fills of streams
 * @clock_khz: core clock; cycles of timestamps
 * @hbm_mbps, @host_mbps: MB/s (10^6) to device memory; to the host, each way
 * @numerics: profile of matrix arithmetic, Documentation/hw/numerics.rst
 * @modelled_time: timestamps are those of a model, not of a clock
 * @address: on the bus, "0000:c1:00.0", which gaon_device_open() takes too; "" of the embedded device
 * @firmware_version: major << 24 | minor << 16 | patch
 * @abi: admin ABI in use
 * @stream_priorities: how many, lowest 0
 * @cooperative_workgroups: most workgroups of a cooperative launch
 * @gemm_memory: GAON_GEMM_B_MEMORY, weights of products may lie in memory
 * @hbm_channels: of device memory, 256 bytes in turn of each; 0 if it is not known
 */
struct gaon_device_info {
	size_t size;
	char name[64];
	char product[32];
	char firmware[48];
	char transport[16];
	uint8_t serial[16];
	uint64_t hbm_bytes;
	uint64_t spm_bytes;
	uint32_t cores, vlen, dlen, vector_pipes;
	uint32_t matrix_arrays, matrix_dim, dma_channels, copy_engines;
	uint32_t clock_khz, hbm_mbps, host_mbps, numerics;
	uint32_t firmware_version, abi;
	uint32_t stream_priorities, cooperative_workgroups;
	bool modelled_time;
	char address[32];
	bool gemm_memory;
	uint32_t hbm_channels;
};

/**
 * struct gaon_device_counters - what the device counted since its reset, all contexts together
 * @size: set by the caller
 * @cycle: modelled cycles; @host_ns: host clock (CLOCK_MONOTONIC) at that moment
 * @core_busy, @matrix_busy, @dma_busy, @copy_busy: cycles, summed over the units of a kind
 * @hbm_read, @hbm_written, @host_read, @host_written: bytes
 * @errors_corrected, @errors_uncorrected: of device memory, scratchpads and links
 * @retired_pages: 4 KiB pages of device memory that are not used any more, since the device was made
 * @throttled_power, @throttled_heat: how often the cap of power, or the temperature, began to slow the
 *	cores down
 * @throttled_power_cycles, @throttled_heat_cycles: how long
 */
struct gaon_device_counters {
	size_t size;
	uint64_t cycle, host_ns;
	uint64_t core_busy, matrix_busy, dma_busy, copy_busy;
	uint64_t hbm_read, hbm_written, host_read, host_written;
	uint64_t packets, launches, workgroups, instructions;
	uint64_t doorbells, faults, preemptions, tlb_misses;
	uint64_t energy_uj;
	uint32_t power_mw;
	int32_t temperature_mc;		/* thousandths of a degree Celsius */
	uint64_t errors_corrected, errors_uncorrected;
	uint64_t retired_pages;
	uint64_t throttled_power, throttled_heat;
	uint64_t throttled_power_cycles, throttled_heat_cycles;
};

/* Why the clock of the cores is not the highest. */
enum gaon_throttle {
	GAON_THROTTLED_POWER	= 1,	/* the cap of power */
	GAON_THROTTLED_HEAT	= 2,	/* it is hot */
	GAON_THROTTLED_CRITICAL	= 4,	/* so hot that the clock is the lowest */
	GAON_THROTTLED_LIMIT	= 8,	/* the administrator's limit */
};

/**
 * struct gaon_device_board - the card and its place in the machine; nothing of it is there for the
 * embedded device but the last group
 * @size: set by the caller
 * @driver, @driver_version: kernel driver, "" if there is none
 * @state: of the card as its driver tells it: "ready", "degraded", "resetting", "wedged"; "" if nobody tells
 * @resets: of the whole card since the driver was bound
 * @numa_node: of the host that the card is near to, -1 if it is not known
 * @link_mtps, @link_width: of the PCIe link now, 10^6 transfers per second and lanes; 0 if it is not known
 * @link_mtps_max, @link_width_max: most that the card can do
 * @sensors: the last group comes from the kernel's sensors; else the device counts it
 * @clock_khz: of the cores now; @power_mw: mean since it was asked last; @temperature_mc: of the
 *	chip, thousandths of a degree Celsius
 * @power_cap_mw: the device keeps its power below by slowing its cores down; 0 if it has none
 * @clock_limit_khz: the highest clock that an administrator allows; 0 as before
 * @throttle: bits of enum gaon_throttle
 */
struct gaon_device_board {
	size_t size;
	char driver[32], driver_version[32];
	char state[16];
	uint32_t resets;
	int32_t numa_node;
	uint32_t link_mtps, link_width;
	uint32_t link_mtps_max, link_width_max;
	bool sensors;
	uint32_t clock_khz, power_mw;
	int32_t temperature_mc;
	uint32_t power_cap_mw, clock_limit_khz, throttle;
};

/* Number of devices that gaon_device_describe() lists; at least 1, the embedded one. */
GAON_API enum gaon_status gaon_device_count(uint32_t *count);

/*
 * Properties of device @index without keeping it open. May boot the embedded device: blocks some
 * ms.
 */
GAON_API enum gaon_status gaon_device_describe(uint32_t index, struct gaon_device_info *info);

/*
 * Open a device. @name NULL: $GAON_DEVICE if set, else the first real card, else the embedded
 * device. Every open gives an address space of its own. Blocks while firmware boots (tens of ms).
 * NO_DEVICE, PERMISSION, BUSY, FIRMWARE, OUT_OF_DEVICE_MEMORY; the error text names the exact cause.
 */
GAON_API enum gaon_status gaon_device_open(const char *name, struct gaon_device **dev);

/* Who owns the queues behind streams. */
enum gaon_queues {
	GAON_QUEUES_DEFAULT	= 0,	/* $GAON_QUEUE of a card: "user", which is the default, or "kernel" */
	GAON_QUEUES_USER	= 1,	/* the process: work is given without a system call */
	GAON_QUEUES_KERNEL	= 2,	/* the kernel driver of a card, which bounds the time of work */
};

/**
 * struct gaon_device_config - how to open a device
 * @size: sizeof(struct gaon_device_config)
 * @queues: enum gaon_queues. With KERNEL each operation is a system call, launches may take 10 s of
 *	device time at most, gaon_mem_import() is UNSUPPORTED, copies of other host memory go
 *	through a buffer, and memory that is freed can be had again when all that ran then has
 *	ended.
 * @fill_bytes: of device memory that will be allocated and written soon, or 0. A hint: the embedded
 *	device makes them ready meanwhile, with a thread of its own, and gives back what nobody has taken
 *	after some seconds. Other devices need no such help.
 */
struct gaon_device_config {
	size_t size;
	enum gaon_queues queues;
	uint64_t fill_bytes;
};

/* As gaon_device_open(). @config NULL: all defaults. UNSUPPORTED: KERNEL of the embedded device. */
GAON_API enum gaon_status gaon_device_open_with(const char *name,
						const struct gaon_device_config *config,
						struct gaon_device **dev);
/* One more reference. */
GAON_API enum gaon_status gaon_device_retain(struct gaon_device *dev);

/*
 * Drop a reference; the last one drops unfinished work, runs no further callbacks, frees all memory
 * and invalidates every handle made from @dev. Blocks up to a few seconds if work cannot be stopped
 * sooner. WRONG_THREAD from a callback of the same device.
 */
GAON_API enum gaon_status gaon_device_close(struct gaon_device *dev);

/* Does not block. */
GAON_API enum gaon_status gaon_device_get_info(struct gaon_device *dev, struct gaon_device_info *info);
/* Blocks for the firmware (microseconds). */
GAON_API enum gaon_status gaon_device_get_counters(struct gaon_device *dev,
						   struct gaon_device_counters *counters);

/* Asks the device: some 10 us. DEVICE_LOST. */
GAON_API enum gaon_status gaon_device_get_board(struct gaon_device *dev,
						struct gaon_device_board *board);

/* Device memory of the card in bytes; pools count as used. */
GAON_API enum gaon_status gaon_device_get_memory(struct gaon_device *dev, uint64_t *free_bytes,
						 uint64_t *total_bytes);

/*
 * Until all streams of @dev have finished what they were given before. TIMEOUT; FAULT if any is
 * faulted.
 */
GAON_API enum gaon_status gaon_device_wait(struct gaon_device *dev, uint64_t timeout_ns);

/* First fault of any stream of @dev that was not cleared. NOT_FOUND if there is none. */
GAON_API enum gaon_status gaon_device_get_fault(struct gaon_device *dev, struct gaon_fault *fault);

/* ------------------------------------------------------------------------------------------ */
/* Memory                                                                                      */

enum gaon_mem_kind {
	GAON_MEM_DEVICE		= 1,	/* HBM; 2 MiB aligned from that size on, else 4 KiB */
	GAON_MEM_HOST		= 2,	/* pinned host memory; gaon_mem_ptr() */
	GAON_MEM_IMPORTED	= 3,	/* the caller's own memory; only in info */
	GAON_MEM_POOL		= 4,	/* from gaon_mem_alloc_async(); only in info */
	GAON_MEM_MODULE		= 5,	/* a module's image; only in info */
	GAON_MEM_SHARED		= 6,	/* from gaon_mem_import_fd(); only in info */
};

#define GAON_IMPORT_READONLY	(1u << 0)	/* the device may only read */

/* @bytes > 0; contents are zero. OUT_OF_DEVICE_MEMORY, OUT_OF_MEMORY. */
GAON_API enum gaon_status gaon_mem_alloc(struct gaon_device *dev, uint64_t bytes,
					 enum gaon_mem_kind kind, struct gaon_mem **mem);

/*
 * The same at device address @va, a multiple of 4 KiB: what was allocated there in another run, where
 * pointers to it are stored in other memory. Addresses that gaon_mem_alloc() gave to any program can be
 * had on any device, if nothing is there yet. INVALID_ADDRESS, OUT_OF_DEVICE_MEMORY, OUT_OF_MEMORY.
 */
GAON_API enum gaon_status gaon_mem_alloc_at(struct gaon_device *dev, uint64_t bytes,
					    enum gaon_mem_kind kind, uint64_t va, struct gaon_mem **mem);

/*
 * Let the device reach [@ptr, @ptr + @bytes) of the caller, any alignment: its pages are pinned
 * until gaon_mem_free(), and must stay mapped so long. INVALID_ADDRESS if they are not mapped (or
 * not writable, without GAON_IMPORT_READONLY). @flags: GAON_IMPORT_*.
 */
GAON_API enum gaon_status gaon_mem_import(struct gaon_device *dev, void *ptr, uint64_t bytes,
					  uint32_t flags, struct gaon_mem **mem);

/*
 * A file descriptor (dma-buf) for memory from gaon_mem_alloc(), by which another opened device, of this
 * process or of one that the descriptor is passed to, or another driver reaches the same memory. The
 * caller closes *@fd; it keeps the memory alive, and importers keep it longer. The memory is one: who
 * writes and who reads agree between them when, after work has finished.
 * UNSUPPORTED on the embedded device, whose memory is its process's own; INVALID_ARGUMENT for imported
 * memory; LIMIT without a file descriptor left.
 */
GAON_API enum gaon_status gaon_mem_export(struct gaon_mem *mem, int *fd);

/*
 * Memory that gaon_mem_export() or another driver's dma-buf export gave a file descriptor for; @fd stays
 * the caller's and may be closed afterwards. All of it is mapped, gaon_mem_size() says how much;
 * gaon_mem_ptr() is its host address if it lies in host memory, else NULL. @flags: GAON_IMPORT_READONLY.
 * The contents are as the exporter left them. INVALID_ARGUMENT if @fd is no dma-buf, UNSUPPORTED on the
 * embedded device, OUT_OF_DEVICE_MEMORY.
 */
GAON_API enum gaon_status gaon_mem_import_fd(struct gaon_device *dev, int fd, uint32_t flags,
					     struct gaon_mem **mem);

/* One more reference: gaon_mem_free() must be called once more. */
GAON_API enum gaon_status gaon_mem_retain(struct gaon_mem *mem);

/*
 * Blocks until work given to the device's streams before has finished or faulted (it might use the
 * memory), at most 10 s, then BUSY and the memory is kept. CLOSED on a double free.
 */
GAON_API enum gaon_status gaon_mem_free(struct gaon_mem *mem);

/* Device address; 0 for a bad handle. */
GAON_API uint64_t gaon_mem_va(struct gaon_mem *mem);
/* Host address of GAON_MEM_HOST, imported and shared host memory; NULL otherwise or for a bad handle. */
GAON_API void *gaon_mem_ptr(struct gaon_mem *mem);
/* Bytes asked for; 0 for a bad handle. */
GAON_API uint64_t gaon_mem_size(struct gaon_mem *mem);

/*
 * Memory from the device's pool, usable by work given to @stream afterwards (by others after an
 * event). Alignment 256 bytes; contents undefined. Never waits for the device unless memory is short.
 * OUT_OF_DEVICE_MEMORY.
 */
GAON_API enum gaon_status gaon_mem_alloc_async(struct gaon_stream *stream, uint64_t bytes,
					       uint64_t *va);
/*
 * Give it back once what @stream was given before has finished. @va as it was returned. Any stream
 * of the device will do. INVALID_ADDRESS if it is not allocated from the pool, CLOSED on a double free.
 */
GAON_API enum gaon_status gaon_mem_free_async(struct gaon_stream *stream, uint64_t va);

/* Return unused pool memory to the card, but keep @keep_bytes. */
GAON_API enum gaon_status gaon_mem_trim(struct gaon_device *dev, uint64_t keep_bytes);

/**
 * struct gaon_address_info - what an address belongs to
 * @size: set by the caller
 * @kind: see enum gaon_mem_kind
 * @va, @bytes: start and size of the allocation
 * @ptr: host address of @va, or NULL
 * @mem: the allocation's handle, NULL for pool and module memory; no reference is added
 */
struct gaon_address_info {
	size_t size;
	enum gaon_mem_kind kind;
	uint64_t va, bytes;
	void *ptr;
	struct gaon_mem *mem;
};

/* By device address. INVALID_ADDRESS if @va belongs to nothing of @dev. */
GAON_API enum gaon_status gaon_address_get_info(struct gaon_device *dev, uint64_t va,
						struct gaon_address_info *info);
/* By host address: GAON_MEM_HOST and imported memory. INVALID_ADDRESS for any other. */
GAON_API enum gaon_status gaon_pointer_get_info(struct gaon_device *dev, const void *ptr,
						struct gaon_address_info *info);

/* ------------------------------------------------------------------------------------------ */
/* Copies and fills                                                                            */
/*
 * Device addresses may name any memory of the device, pinned host memory included. Host pointers
 * may be anything mapped: pageable memory is pinned for the copy. The async forms return once the
 * work is queued; host memory must stay as it is until the stream has passed the copy.
 * INVALID_ADDRESS if a range is not wholly inside one allocation, or host memory is not mapped;
 * async: FAULT if the stream is faulted. @bytes may be 0. Overlapping ranges are INVALID_ARGUMENT.
 */

/*
 * Host to device. Blocking, without a timeout: copies end. Ordered after nothing: wait for streams that
 * use or produce the data first. INVALID_ADDRESS; FAULT if the device met a memory error: the call failed
 * alone, others go on.
 */
GAON_API enum gaon_status gaon_mem_write(struct gaon_device *dev, uint64_t dst, const void *src,
					 uint64_t bytes);
/* Device to host. As gaon_mem_write(). */
GAON_API enum gaon_status gaon_mem_read(struct gaon_device *dev, void *dst, uint64_t src,
					uint64_t bytes);
/* Within the device. As gaon_mem_write(). */
GAON_API enum gaon_status gaon_mem_copy(struct gaon_device *dev, uint64_t dst, uint64_t src,
					uint64_t bytes);
/*
 * @pattern_size 1, 2, 4 or 8 low bytes of @pattern; @bytes and @dst multiples of it, else
 * INVALID_ARGUMENT. As gaon_mem_write().
 */
GAON_API enum gaon_status gaon_mem_fill(struct gaon_device *dev, uint64_t dst, uint64_t pattern,
					uint32_t pattern_size, uint64_t bytes);
/* Between two opened devices, through host memory; the same one twice is gaon_mem_copy(). Blocking. */
GAON_API enum gaon_status gaon_mem_copy_peer(struct gaon_device *dst_dev, uint64_t dst,
					     struct gaon_device *src_dev, uint64_t src,
					     uint64_t bytes);

/*
 * The same in the order of @stream, which belongs to one of the two devices; returns once it is queued.
 * Through host memory, by a thread of the library: it does not hold up other streams, and @stream goes on
 * when all of it has arrived. Work of the other device that produces or uses the data is ordered by
 * events and waits of the host. Both allocations, and the other device, must be kept until @stream has
 * passed the copy; one that cannot be finished faults @stream. Cannot be recorded in a graph.
 */
GAON_API enum gaon_status gaon_mem_copy_peer_async(struct gaon_stream *stream,
						   struct gaon_device *dst_dev, uint64_t dst,
						   struct gaon_device *src_dev, uint64_t src,
						   uint64_t bytes);

/*
 * Host to device, in the order of @stream. @src may be changed or freed once @stream has passed the
 * copy. Does not block unless the stream is full. INVALID_ADDRESS, FAULT, STATE while recording.
 */
GAON_API enum gaon_status gaon_mem_write_async(struct gaon_stream *stream, uint64_t dst,
					       const void *src, uint64_t bytes);
/* Device to host: @dst holds the data once @stream has passed the copy. As gaon_mem_write_async(). */
GAON_API enum gaon_status gaon_mem_read_async(struct gaon_stream *stream, void *dst, uint64_t src,
					      uint64_t bytes);
/* Within the device. May be recorded. Else as gaon_mem_write_async(). */
GAON_API enum gaon_status gaon_mem_copy_async(struct gaon_stream *stream, uint64_t dst,
					      uint64_t src, uint64_t bytes);
/* Arguments of gaon_mem_fill(). May be recorded. Else as gaon_mem_write_async(). */
GAON_API enum gaon_status gaon_mem_fill_async(struct gaon_stream *stream, uint64_t dst,
					      uint64_t pattern, uint32_t pattern_size,
					      uint64_t bytes);

/**
 * struct gaon_rect_end - one side of a pitched copy
 * @va: device address, if @ptr is NULL
 * @ptr: host address
 * @row_pitch: bytes from a row to the next; 0: @width
 * @slice_pitch: bytes from a slice to the next; 0: @row_pitch * @height
 */
struct gaon_rect_end {
	uint64_t va;
	void *ptr;
	uint64_t row_pitch, slice_pitch;
};

/**
 * struct gaon_rect - 2-D or 3-D copy
 * @size: sizeof(struct gaon_rect)
 * @width: bytes of a row; @height: rows of a slice; @depth: slices (0 counts as 1)
 * Pitches smaller than what they span are INVALID_ARGUMENT.
 */
struct gaon_rect {
	size_t size;
	uint64_t width;
	uint32_t height, depth;
	struct gaon_rect_end dst, src;
};

/* As gaon_mem_copy(): blocking. Host memory between the rows is pinned, not written. */
GAON_API enum gaon_status gaon_mem_copy_rect(struct gaon_device *dev, const struct gaon_rect *rect);
/* As gaon_mem_copy_async(). */
GAON_API enum gaon_status gaon_mem_copy_rect_async(struct gaon_stream *stream,
						   const struct gaon_rect *rect);

/* ------------------------------------------------------------------------------------------ */
/* Streams and events                                                                          */

enum gaon_priority {
	GAON_STREAM_NORMAL	= 0,
	GAON_STREAM_LOW		= 1,
	GAON_STREAM_HIGH	= 2,	/* preempts the others */
};

/**
 * struct gaon_stream_config - how to make a stream
 * @size: sizeof(struct gaon_stream_config)
 * @priority: enum gaon_priority
 * @ring_log2: room for 2^this operations, 4 to 16; 0: 10. A full stream makes calls wait.
 * @name: for logs and fault texts, or NULL; copied, at most 31 bytes
 * @launch_limit_ns: device time (modelled, if the device's is) after which the watchdog stops a
 *	launch with a fault; 0: $GAON_LAUNCH_LIMIT_MS, else the device's default (about 2 s)
 */
struct gaon_stream_config {
	size_t size;
	enum gaon_priority priority;
	uint32_t ring_log2;
	const char *name;
	uint64_t launch_limit_ns;
};

/*
 * @config NULL: all defaults. LIMIT when the card has no queue left; INVALID_ARGUMENT also when
 * $GAON_LAUNCH_LIMIT_MS is no number and would be needed.
 */
GAON_API enum gaon_status gaon_stream_create(struct gaon_device *dev,
					     const struct gaon_stream_config *config,
					     struct gaon_stream **stream);
/* One more reference: gaon_stream_destroy() must be called once more. */
GAON_API enum gaon_status gaon_stream_retain(struct gaon_stream *stream);
/* The last reference waits for the stream's work at most 10 s, then drops it. */
GAON_API enum gaon_status gaon_stream_destroy(struct gaon_stream *stream);

/*
 * Until everything given before has finished. TIMEOUT; FAULT, also when a stream that this one
 * waits for has faulted.
 */
GAON_API enum gaon_status gaon_stream_wait(struct gaon_stream *stream, uint64_t timeout_ns);
/* OK if nothing is unfinished, NOT_READY, FAULT. */
GAON_API enum gaon_status gaon_stream_query(struct gaon_stream *stream);
/*
 * What is given to @stream from now on waits, on the device, until @event's last record is reached.
 */
GAON_API enum gaon_status gaon_stream_wait_event(struct gaon_stream *stream,
						 struct gaon_event *event);
/*
 * @fn runs on a thread of the library when earlier work is done; later work of @stream waits for
 * its return. It may give work to streams, this one too, but waits for nothing: a call of it that
 * would have to wait for room in a full stream is WRONG_THREAD, like every blocking one.
 */
GAON_API enum gaon_status gaon_stream_callback(struct gaon_stream *stream, void (*fn)(void *arg),
					       void *arg);
/* NOT_FOUND if @stream is not faulted. */
GAON_API enum gaon_status gaon_stream_get_fault(struct gaon_stream *stream,
						struct gaon_fault *fault);
/*
 * Make a faulted stream usable again: what was queued behind the fault is dropped, events recorded
 * there report FAULT for ever. OK also if it is not faulted. Blocks for the firmware (microseconds)
 * and for a wait for a semaphore or a copy between devices that the fault interrupted (milliseconds).
 */
GAON_API enum gaon_status gaon_stream_clear_fault(struct gaon_stream *stream);

#define GAON_EVENT_TIMED	(1u << 0)	/* records take the device's time */

/* @flags: GAON_EVENT_*. A new event was never recorded. */
GAON_API enum gaon_status gaon_event_create(struct gaon_device *dev, uint32_t flags,
					    struct gaon_event **event);
/* At any time; nothing waits for it. */
GAON_API enum gaon_status gaon_event_destroy(struct gaon_event *event);
/* From now on @event means this point of @stream. Recording again is allowed. */
GAON_API enum gaon_status gaon_event_record(struct gaon_stream *stream, struct gaon_event *event);
/* Until the last record is reached. TIMEOUT, FAULT, STATE if never recorded. */
GAON_API enum gaon_status gaon_event_wait(struct gaon_event *event, uint64_t timeout_ns);
/* OK if reached, NOT_READY, FAULT, STATE. */
GAON_API enum gaon_status gaon_event_query(struct gaon_event *event);
/*
 * From @start to @end, both GAON_EVENT_TIMED, recorded and reached: nanoseconds of the device's
 * clock (modelled, if the device's time is) and of the host's, the latter taken when the library
 * first saw them reached. Either output may be NULL. NOT_READY, STATE.
 */
GAON_API enum gaon_status gaon_event_elapsed(struct gaon_event *start, struct gaon_event *end,
					     int64_t *device_ns, int64_t *host_ns);

/*
 * Store the device's cycle (modelled, if its time is) as 8 bytes at @va, a device address that is a
 * multiple of 8, when all that @stream was given before is done; gaon_device_info.clock_khz makes time
 * of it. May be recorded: each replay stores there anew. Does not block unless the stream is full.
 * INVALID_ADDRESS, FAULT.
 */
GAON_API enum gaon_status gaon_stream_timestamp(struct gaon_stream *stream, uint64_t va);

/* ------------------------------------------------------------------------------------------ */
/* Semaphores                                                                                  */

/*
 * Order between processes, as other runtimes' external semaphores: a number that begins at 0 and
 * only grows, which streams and hosts raise and wait for. It can be waited for before anybody has
 * promised to raise it. Of a card it is a timeline syncobj of the kernel, of the embedded device a
 * page of memory; both can be handed to other processes as file descriptors.
 */
GAON_API enum gaon_status gaon_semaphore_create(struct gaon_device *dev, struct gaon_semaphore **semaphore);
/* What streams were told to do with it is done all the same. */
GAON_API enum gaon_status gaon_semaphore_destroy(struct gaon_semaphore *semaphore);
/*
 * A file descriptor (CLOEXEC) that is the caller's to close; others can import it as long as it, or
 * a semaphore made of it, is there.
 */
GAON_API enum gaon_status gaon_semaphore_export(struct gaon_semaphore *semaphore, int *fd);
/*
 * The same semaphore in another opened device or process; @fd stays the caller's. INVALID_ARGUMENT: it is no
 * semaphore, or one of another kind of device (embedded or card).
 */
GAON_API enum gaon_status gaon_semaphore_import_fd(struct gaon_device *dev, int fd,
						   struct gaon_semaphore **semaphore);
GAON_API enum gaon_status gaon_semaphore_query(struct gaon_semaphore *semaphore, uint64_t *value);
/* It becomes at least @value, at once. */
GAON_API enum gaon_status gaon_semaphore_signal(struct gaon_semaphore *semaphore, uint64_t value);
/* Until it is at least @value. TIMEOUT. Who would have raised it may have died: use a finite time. */
GAON_API enum gaon_status gaon_semaphore_wait(struct gaon_semaphore *semaphore, uint64_t value,
					      uint64_t timeout_ns);
/*
 * It becomes at least @value when all that @stream was given before is done, and seen by whoever
 * waits. Work that is dropped after a fault does not raise it. A thread of the host does it: tens
 * of microseconds.
 */
GAON_API enum gaon_status gaon_stream_signal_semaphore(struct gaon_stream *stream,
						       struct gaon_semaphore *semaphore, uint64_t value);
/*
 * What @stream is given behind it starts when the semaphore is at least @value. Destroying the
 * stream or closing the device ends the wait.
 */
GAON_API enum gaon_status gaon_stream_wait_semaphore(struct gaon_stream *stream,
						     struct gaon_semaphore *semaphore, uint64_t value);

/* ------------------------------------------------------------------------------------------ */
/* Modules, kernels, launches                                                                  */

/*
 * Load a device program (static-PIE ELF made by gaoncc); the image is copied. Blocks for the copy.
 * INVALID_MODULE, WRONG_MACHINE, OUT_OF_DEVICE_MEMORY; the text names what is wrong or missing.
 */
GAON_API enum gaon_status gaon_module_load(struct gaon_device *dev, const void *image, size_t size,
					   struct gaon_module **module);
/*
 * The same at device address @va, as gaon_mem_alloc_at(): kernels and symbols get the addresses that they
 * had where the image was loaded at @va before. INVALID_ADDRESS.
 */
GAON_API enum gaon_status gaon_module_load_at(struct gaon_device *dev, const void *image, size_t size,
					      uint64_t va, struct gaon_module **module);
/* The same from a file. NOT_FOUND, PERMISSION. */
GAON_API enum gaon_status gaon_module_load_file(struct gaon_device *dev, const char *path,
						struct gaon_module **module);
/* One more reference: gaon_module_unload() must be called once more. */
GAON_API enum gaon_status gaon_module_retain(struct gaon_module *module);
/* Blocks as gaon_mem_free() does. Its kernels' handles become invalid. */
GAON_API enum gaon_status gaon_module_unload(struct gaon_module *module);

/* The kernel belongs to @module. NOT_FOUND. */
GAON_API enum gaon_status gaon_module_get_kernel(struct gaon_module *module, const char *name,
						 struct gaon_kernel **kernel);
/* By position, to list them. NOT_FOUND past the last. */
GAON_API enum gaon_status gaon_module_get_kernel_at(struct gaon_module *module, uint32_t index,
						    struct gaon_kernel **kernel);
/* Address and size of a global variable of @module. @bytes may be NULL. NOT_FOUND. */
GAON_API enum gaon_status gaon_module_get_symbol(struct gaon_module *module, const char *name,
						 uint64_t *va, uint64_t *bytes);

/**
 * struct gaon_kernel_desc - a kernel's metadata
 * @size: set by the caller
 * @name: NUL-terminated
 * @args_size, @args_align: of the packed arguments
 * @stack_bytes, @spm_bytes: scratchpad that it uses for its stack; for its own static part
 * @min_vlen: bits of a vector register that it needs
 * @cooperative: its workgroups synchronise with each other
 * @entry_va: device address
 */
struct gaon_kernel_desc {
	size_t size;
	char name[64];
	uint32_t args_size, args_align;
	uint32_t stack_bytes, spm_bytes;
	uint32_t min_vlen;
	bool cooperative;
	uint64_t entry_va;
};

/* Does not block. STRUCT_SIZE. */
GAON_API enum gaon_status gaon_kernel_get_desc(struct gaon_kernel *kernel,
					       struct gaon_kernel_desc *desc);

#define GAON_LAUNCH_CHECK_POINTERS	(1u << 0)	/* pointers must name memory of the device */
#define GAON_LAUNCH_REPLACEABLE		(1u << 1)	/* recorded: gaon_graph_launch_args() may name it */

/**
 * struct gaon_launch - one launch
 * @size: sizeof(struct gaon_launch)
 * @grid: workgroups in x, y, z; 0 counts as 1
 * @flags: GAON_LAUNCH_*
 * @args: the kernel's argument structure, copied; device addresses as uint64_t
 * @args_size: must equal the kernel's
 * @spm_bytes: scratchpad for the kernel, 0: its own static part
 */
struct gaon_launch {
	size_t size;
	uint32_t grid[3];
	uint32_t flags;
	const void *args;
	size_t args_size;
	uint32_t spm_bytes;
};

/*
 * Queue @kernel on @stream. Does not block unless the stream is full.
 * ARGUMENTS_SIZE, LIMIT (grid, scratchpad, cooperative workgroups), INVALID_ADDRESS (with
 * GAON_LAUNCH_CHECK_POINTERS), STATE (GAON_LAUNCH_REPLACEABLE while nothing is recorded), FAULT.
 */
GAON_API enum gaon_status gaon_launch(struct gaon_stream *stream, struct gaon_kernel *kernel,
				      const struct gaon_launch *launch);

/* ------------------------------------------------------------------------------------------ */
/* Graphs                                                                                      */

/*
 * Between begin and end, launches, device-to-device copies, fills and timestamps given to @stream are
 * recorded instead of queued. Whatever else would give @stream work is STATE.
 */
GAON_API enum gaon_status gaon_graph_begin(struct gaon_stream *stream);
/*
 * Ends the recording, also when it fails. The caller owns *@graph; the memory that its operations name
 * must live as long as it is replayed, its modules as well. STATE if nothing is being recorded,
 * OUT_OF_DEVICE_MEMORY.
 */
GAON_API enum gaon_status gaon_graph_end(struct gaon_stream *stream, struct gaon_graph **graph);
/*
 * Queue the whole graph on @stream, which may be another of the device than it was recorded on, with
 * the arguments that were recorded. Does not block unless the stream is full. FAULT, STATE.
 */
GAON_API enum gaon_status gaon_graph_launch(struct gaon_stream *stream, struct gaon_graph *graph);

/**
 * struct gaon_graph_args - other arguments for one launch of a graph
 * @size: sizeof(struct gaon_graph_args)
 * @launch: which one: the first that was recorded with GAON_LAUNCH_REPLACEABLE is 0, the next 1, ...
 * @args: the kernel's argument structure, copied
 * @args_size: must equal the kernel's
 */
struct gaon_graph_args {
	size_t size;
	uint32_t launch;
	const void *args;
	size_t args_size;
};

/*
 * As gaon_graph_launch(), but the launches that @args names run with the arguments given there; all
 * others, and the next gaon_graph_launch(), with those recorded. Replays that are under way keep
 * theirs. The elements of @args are args->size bytes apart; where two name the same launch the later
 * one counts. Pointers are checked if the recorded launch asked for it. Each replay copies the
 * arguments of all replaceable launches: mark those that change. INVALID_ARGUMENT (no such launch),
 * ARGUMENTS_SIZE, INVALID_ADDRESS, LIMIT (more arguments than a quarter of the stream's room for
 * them: make it with a larger ring_log2).
 */
GAON_API enum gaon_status gaon_graph_launch_args(struct gaon_stream *stream, struct gaon_graph *graph,
						 const struct gaon_graph_args *args, uint32_t count);
/* Blocks as gaon_mem_free() does. */
GAON_API enum gaon_status gaon_graph_destroy(struct gaon_graph *graph);

#ifdef __cplusplus
}
#endif

#endif
