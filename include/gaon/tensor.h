/* SPDX-License-Identifier: MIT */
/*
 * libgaonops on tensors: the operators that language models are made of, with ggml's semantics.
 *
 * Every call takes views (struct gaon_tensor), queues work on a stream and returns; it never waits
 * for the device, so it may be recorded into a graph.  The destination comes first, then sources in
 * ggml's order, then parameters.  The destination may be the very view that a source is where a
 * comment says "in place"; otherwise it shares no byte with a source, which is not checked.
 *
 * Statuses: INVALID_ARGUMENT (a type, shape or parameter that the operator does not take),
 * INVALID_ADDRESS (an operand is not wholly inside one allocation), those of gaon_launch();
 * gaon_ops_last_error() has the sentence for the first two.  An empty destination is GAON_OK.
 *
 * Each gaon_ops_X() has a gaon_ops_X_supports(): whether the call would take these types, shapes and
 * parameters.  It needs no device and looks at no address; if it says false, gaon_ops_last_error()
 * says why.
 *
 * Threads: any thread at any time.
 */
#ifndef GAON_TENSOR_H
#define GAON_TENSOR_H

#include <gaon/device/tensor.h>
#include <gaon/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- tensors themselves ----------------------------------------------------------------------- */

/* "f32", "q4_K": ggml's name of @type; NULL if there is no such tensor type. */
GAON_API const char *gaon_tensor_type_name(uint8_t type);

/* Bytes of an element or block of @type; *@elements (may be NULL) how many it holds. 0: no such type. */
GAON_API uint32_t gaon_tensor_type_bytes(uint8_t type, uint32_t *elements);

/*
 * @tensor is the dense one of @ne at @va, strides filled in.  False, with all else untouched, if
 * there is no such type, ne[0] is not whole blocks, or it would be larger than 2^48 bytes.
 */
GAON_API bool gaon_tensor_dense(struct gaon_tensor *tensor, uint64_t va, uint8_t type,
				const uint64_t ne[GAON_TENSOR_DIMS]);

/* No gap between elements, rows and so on, and none out of order. */
GAON_API bool gaon_tensor_is_dense(const struct gaon_tensor *tensor);

/*
 * *@bytes: from the first to behind the last byte that the view reaches, 0 if it is empty.  False if
 * there is no such type, ne[0] is not whole blocks, or that is more than 2^48.
 */
GAON_API bool gaon_tensor_span(const struct gaon_tensor *tensor, uint64_t *bytes);

#ifdef __cplusplus
}
#endif
#endif
