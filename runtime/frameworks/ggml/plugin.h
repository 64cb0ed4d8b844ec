/* SPDX-License-Identifier: MIT */
/*
 * libggml-gaon.so: Gaon as a backend of ggml, loaded by GGML_BACKEND_PATH.
 *
 * registry.c   which devices there are, and whether this ggml is the one that we were built for
 * device.c     what a device is and can do
 * buffer.c     device memory and pinned host memory
 * backend.c    a stream of a device: copies, events, errors
 * graph.c      graphs of operators into the stream
 * replay.c     those that come again, in one packet
 * sequence.c   and with their small operators in few launches
 * op_*.c       operators, a family each
 */
#ifndef GAON_GGML_PLUGIN_H
#define GAON_GGML_PLUGIN_H

#include <pthread.h>
#include <stdatomic.h>

#include <gaon/gaon.h>
#include <gaon/ops.h>
#include <gaon/products.h>
#include <gaon/tensor.h>

#include "ggml_backend_abi.h"

#define PLUGIN_DEVICES_MAX	16
/* What tensors are aligned to in buffers: a vector register's load, and the copy engines' burst. */
#define PLUGIN_ALIGNMENT	256

/**
 * struct plugin_device - a Gaon device as ggml sees it
 * @gaon: opened when the plug-in is loaded, until the process ends
 * @ops: its operators
 * @name: "Gaon0"
 * @buffer_name: of its memory, the same; @host_name: of pinned host memory, "Gaon0_Host"
 * @lost: the log has it
 * @refusals: hashes of what supports_op() has said no to and who has been told; under @lock
 */
struct plugin_device {
	struct gaon_device *gaon;
	struct gaon_ops *ops;
	struct gaon_device_info info;
	char name[16], host_name[24];
	char description[96];
	struct ggml_backend_device abi;
	struct ggml_backend_buffer_type memory, host_memory;
	_Atomic bool lost;
	pthread_mutex_t lock;
	uint64_t refusals[128];
	unsigned int refusal_count;
};

/* Graphs of a backend that are remembered: a few for prompts, one for generation. */
#define PLUGIN_RECORDINGS	8

/**
 * struct plugin_recording - a graph that has come once or more
 * @nodes, @tensors: what it is recognised by; @count: of nodes
 * @graph: of libgaon, once it has come twice; @sequence: of libgaonops, whose memory it names
 * @used: the backend's count of graphs when it came last
 * @unrecordable: it was tried
 */
struct plugin_recording {
	struct node_key *nodes;
	struct tensor_key *tensors;
	int count;
	struct gaon_graph *graph;
	struct gaon_ops_sequence *sequence;
	uint64_t used;
	bool unrecordable;
};

/**
 * struct plugin_backend - a stream of a device
 * @failed: the stream met an error that has been logged; every graph fails from then on
 * @scratch: device memory for intermediate results inside an operator; operators run one after the
 *	other, so one piece serves all
 * @prepared: the activations of the graph that is being queued whose @prepared_form scratch holds;
 *	NULL: none
 * @recordings: see replay.c; they name @scratch
 * @sequence: of the recording that is being made, NULL outside
 * @graphs: how many were computed
 * @nodes: room for @room nodes, those of the graph that is being computed
 * @at: the node that is being queued, NULL outside
 * A backend is used by one thread at a time, as ggml has it.
 */
struct plugin_backend {
	struct plugin_device *device;
	struct gaon_stream *stream;
	bool failed;
	struct gaon_mem *scratch;
	const struct ggml_tensor *prepared;
	uint8_t prepared_form;
	struct plugin_recording recordings[PLUGIN_RECORDINGS];
	struct gaon_ops_sequence *sequence;
	uint64_t graphs;
	struct ggml_tensor **nodes;
	int room;
	const struct ggml_tensor *at;
	struct ggml_backend abi;
};

/* registry.c */
struct plugin_device *plugin_device_of(ggml_backend_dev_t device);
void plugin_log(enum ggml_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Log the last error of libgaon: "Gaon0: @what: text (hint)"; that a device is lost, the first time only. */
void plugin_log_status(struct plugin_device *device, enum gaon_status status, const char *what);

/* device.c */
void plugin_device_init(struct plugin_device *device, ggml_backend_reg_t reg, unsigned int index);

/* buffer.c */
void plugin_memory_init(struct plugin_device *device);
/* @buffer is device memory of some Gaon device: that device, else NULL. */
struct plugin_device *plugin_buffer_device(ggml_backend_buffer_t buffer);
/* ggml's two-dimensional copy between @tensor in device memory and @data. */
void plugin_rect(struct gaon_rect *rect, const struct ggml_tensor *tensor, void *data, size_t offset,
		 size_t size, size_t copies, size_t stride_tensor, size_t stride_data, bool to_device);

/* backend.c */
ggml_backend_t plugin_backend_create(struct plugin_device *device);
/* Log what a call on the backend's stream met, once; graphs fail from then on. True if it was OK. */
bool plugin_backend_ok(struct plugin_backend *backend, enum gaon_status status, const char *what);
/*
 * *@va: at least @bytes of scratch memory, whose contents stay what they were if the address does; nothing
 * is prepared in it afterwards. More than there was makes recordings forgotten.
 */
enum gaon_status plugin_backend_scratch(struct plugin_backend *backend, uint64_t bytes, uint64_t *va);

/* Let @nodes have room for @count; false without memory. */
bool plugin_backend_room(struct plugin_backend *backend, int count);

/* replay.c */
typedef enum gaon_status plugin_queue_fn(struct plugin_backend *backend,
					 struct ggml_tensor *const *nodes, int count);
/* Give the stream @nodes by @queue, or by what was recorded when it was given them before. */
enum gaon_status plugin_replay(struct plugin_backend *backend, struct ggml_tensor *const *nodes,
			       int count, plugin_queue_fn *queue);
/* Recordings are not used any more; waits for those that run. */
void plugin_replay_forget(struct plugin_backend *backend);

/* sequence.c */
/* Give the stream @nodes by way of @backend's sequence, in an order that makes no difference. */
enum gaon_status plugin_sequence_queue(struct plugin_backend *backend, struct ggml_tensor *const *nodes,
				       int count);

/* graph.c */
/* So many of the @left nodes at @nodes run as one operator. */
int plugin_unit_count(struct ggml_tensor *const *nodes, int left);
enum gaon_status plugin_unit_run(struct plugin_backend *backend, struct ggml_tensor *const *nodes,
				 int count);
enum ggml_status plugin_graph_compute(ggml_backend_t backend, struct ggml_cgraph *graph);
bool plugin_supports(struct plugin_device *device, const struct ggml_tensor *op);

/**
 * struct plugin_op - how an operator runs
 * @supports: with @fits exactly whether @run would take it; looks at types, shapes and parameters
 *	only. If not, plugin_refuse() or plugin_taken() has the reason.
 * @fits: whether @device's scratchpad has room for what @supports takes, NULL if that is no question
 *	of the shape; reasons as those of @supports
 * @run: queue it on the backend's stream
 */
struct plugin_op {
	bool (*supports)(const struct ggml_tensor *op);
	bool (*fits)(const struct plugin_device *device, const struct ggml_tensor *op);
	enum gaon_status (*run)(struct plugin_backend *backend, const struct ggml_tensor *op);
};

/* ggml's @t as libgaonops has it; false if there is no such type. */
bool plugin_view(const struct ggml_tensor *t, struct gaon_tensor *view);
/* @taken is what a gaon_ops_X_supports() said: its reason is kept if it is false; returns @taken. */
bool plugin_taken(bool taken);
/* The reason for a false supports(): kept for the log; returns false. */
bool plugin_refuse(const char *reason);

/* op_norm.c: two nodes, one behind the other, that run as one operator */
bool plugin_norm_mul_fuses(const struct ggml_tensor *norm, const struct ggml_tensor *mul);
enum gaon_status plugin_norm_mul_run(struct plugin_backend *backend, const struct ggml_tensor *norm,
				     const struct ggml_tensor *mul);
/* And three: an addition, the norm of the sum, the norm's product with weights. */
bool plugin_add_norm_fuses(struct ggml_tensor *const *nodes);
enum gaon_status plugin_add_norm_run(struct plugin_backend *backend, struct ggml_tensor *const *nodes);

extern const struct plugin_op plugin_op_arithmetic, plugin_op_map, plugin_op_glu;
extern const struct plugin_op plugin_op_copy, plugin_op_get_rows, plugin_op_set_rows;
extern const struct plugin_op plugin_op_norm, plugin_op_sum_rows;
extern const struct plugin_op plugin_op_concat, plugin_op_repeat, plugin_op_pad, plugin_op_order;
extern const struct plugin_op plugin_op_pool, plugin_op_im2col, plugin_op_mul_mat_id;
extern const struct plugin_op plugin_op_mul_mat, plugin_op_rope, plugin_op_soft_max, plugin_op_flash_attn;

#endif
