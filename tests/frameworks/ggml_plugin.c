// SPDX-License-Identifier: MIT
/*
 * The plug-in as ggml's users meet it, by ggml's public functions: two devices, memory of both
 * kinds, copies of every sort, events, streams, and what is refused.
 */
#include <dlfcn.h>
#include <drm.h>
#include <gaon/gaon.h>
#include <ggml-backend.h>
#include <ggml.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tap.h"
#include "../splitmix.h"

#define BYTES (1 << 20)

static uint64_t random_state;
static char logged[8192];

static void keep_log(enum ggml_log_level level, const char *text, void *user)
{
	(void)user;
	if (level >= GGML_LOG_LEVEL_WARN && strlen(logged) + strlen(text) < sizeof(logged))
		strcat(logged, text);
}

/* What the plug-in asks for the version of ggml; the truth comes from ggml itself. */
static const char *other_version;
__attribute__((visibility("default"))) const char *ggml_version(void)
{
	const char *(*version)(void) = (const char *(*)(void))dlsym(RTLD_NEXT, "ggml_version");

	return other_version ? other_version : version();
}

/* And for the version of libgaon. */
static const char *other_library;
GAON_API const char *gaon_version(void)
{
	return other_library ? other_library : GAON_VERSION;
}

/* What the kernel module says of its interface. */
static bool other_driver;
__attribute__((visibility("default"))) int ioctl(int fd, unsigned long request, ...)
{
	va_list list;
	void *arg;
	long result;

	va_start(list, request);
	arg = va_arg(list, void *);
	va_end(list);
	result = syscall(SYS_ioctl, fd, request, arg);
	if (!result && other_driver && request == DRM_IOCTL_VERSION)
		((struct drm_version *)arg)->version_major = 9;
	return (int)result;
}

static void fill_random(void *data, size_t bytes)
{
	uint8_t *to = data;

	for (size_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)(splitmix64_next(&random_state) >> 32);
}

static void test_other_version(void)
{
	void *plugin = dlopen(GGML_PLUGIN, RTLD_NOW);
	ggml_backend_reg_t (*init)(void), reg;
	bool refused;
	char *names;

	if (!tap_ok(plugin, "the plug-in can be loaded: %s", plugin ? "" : dlerror()))
		return;
	init = (ggml_backend_reg_t(*)(void))dlsym(plugin, "ggml_backend_init");
	other_version = "0.26.9";
	refused = init && !init();
	other_version = NULL;
	tap_ok(refused && strstr(logged, "this program has ggml 0.26.9"),
	       "another version of ggml is refused, and named: %s", logged);
	logged[0] = '\0';
	other_library = "0.0.1";
	refused = init && !init();
	other_library = NULL;
	tap_ok(refused && strstr(logged, "but libgaon.so.0 is of 0.0.1"),
	       "another version of libgaon is refused, and named: %s", logged);
	logged[0] = '\0';
	names = strdup(getenv("GAON_DEVICE"));
	if (names && !strncmp(names, "accel", 5)) {
		/* Found, not named: nor does the embedded device stand in for such a card. */
		unsetenv("GAON_DEVICE");
		other_driver = true;
		reg = init ? init() : NULL;
		other_driver = false;
		setenv("GAON_DEVICE", names, 1);
		tap_ok(reg && !ggml_backend_reg_dev_count(reg) &&
			       strstr(logged, "the driver's interface is 9."),
		       "a module of another version is refused, and named: %s", logged);
		logged[0] = '\0';
	}
	free(names);
}

/* Devices that the plug-in finds: an embedded one with a scratchpad of the smallest size is none. */
static void test_small_scratchpad(void)
{
	void *plugin = dlopen(GGML_PLUGIN, RTLD_NOW);
	ggml_backend_reg_t (*init)(void), reg;

	if (strncmp(getenv("GAON_DEVICE"), "embedded", 8))
		return;
	init = plugin ? (ggml_backend_reg_t(*)(void))dlsym(plugin, "ggml_backend_init") : NULL;
	setenv("GAON_SIM_SPM", "64K", 1);
	reg = init ? init() : NULL;
	unsetenv("GAON_SIM_SPM");
	tap_ok(reg && !ggml_backend_reg_dev_count(reg) &&
		       strstr(logged, "a scratchpad of 65536 bytes"),
	       "a device without room for the operators is left out, and named: %s", logged);
	logged[0] = '\0';
}

static void test_device(ggml_backend_dev_t device, unsigned int index)
{
	struct ggml_backend_dev_props props;
	char name[16];

	snprintf(name, sizeof(name), "Gaon%u", index);
	ggml_backend_dev_get_props(device, &props);
	tap_ok(!strcmp(props.name, name) &&
		       ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_GPU,
	       "%s is a GPU: %s", props.name, props.description);
	tap_ok(props.memory_total >= (1ull << 30) && props.memory_free &&
		       props.memory_free <= props.memory_total,
	       "%s has %zu MiB, %zu MiB free", name, props.memory_total >> 20,
	       props.memory_free >> 20);
	tap_ok(props.caps.async && props.caps.events && props.caps.host_buffer, "%s: its abilities",
	       name);
}

#define TENSORS_MAX 16
static struct ggml_context *contexts[TENSORS_MAX];
static ggml_backend_buffer_t buffers[TENSORS_MAX];
static unsigned int tensor_count;

/* A tensor of BYTES bytes in memory of @type, until free_tensors(). */
static struct ggml_tensor *new_tensor(ggml_backend_buffer_type_t type)
{
	struct ggml_init_params params = { .mem_size = 1 << 14, .no_alloc = true };
	struct ggml_context *context = ggml_init(params);
	struct ggml_tensor *t = ggml_new_tensor_1d(context, GGML_TYPE_I8, BYTES);
	ggml_backend_buffer_t buffer = ggml_backend_alloc_ctx_tensors_from_buft(context, type);

	if (!buffer || tensor_count == TENSORS_MAX)
		abort();
	contexts[tensor_count] = context;
	buffers[tensor_count++] = buffer;
	return t;
}

static void free_tensors(void)
{
	while (tensor_count) {
		ggml_backend_buffer_free(buffers[--tensor_count]);
		ggml_free(contexts[tensor_count]);
	}
}

static void test_memory(ggml_backend_dev_t device)
{
	ggml_backend_buffer_type_t type = ggml_backend_dev_buffer_type(device);
	struct ggml_tensor *t = new_tensor(type);
	uint8_t *wrote = malloc(BYTES), *read = malloc(BYTES);
	size_t before, after, total;

	fill_random(wrote, BYTES);
	ggml_backend_tensor_set(t, wrote, 0, BYTES);
	ggml_backend_tensor_get(t, read, 0, BYTES);
	tap_ok(!memcmp(wrote, read, BYTES), "%s: what was written is read",
	       ggml_backend_buft_name(type));
	ggml_backend_tensor_memset(t, 0x5a, 1001, 70001);
	memset(wrote + 1001, 0x5a, 70001);
	ggml_backend_tensor_get(t, read, 0, BYTES);
	tap_ok(!memcmp(wrote, read, BYTES), "a part is set");
	/* 300 pieces of 77 bytes, 1,000 apart in the tensor and 100 in host memory */
	ggml_backend_tensor_set_2d(t, wrote + 500000, 13, 77, 300, 1000, 100);
	for (int i = 0; i < 300; i++)
		memcpy(wrote + 13 + i * 1000, wrote + 500000 + i * 100, 77);
	ggml_backend_tensor_get(t, read, 0, BYTES);
	tap_ok(!memcmp(wrote, read, BYTES), "pieces are written");
	memset(read, 0, BYTES);
	ggml_backend_tensor_get_2d(t, read, 17, 33, 400, 900, 40);
	total = 0;
	for (int i = 0; i < 400; i++)
		total += memcmp(read + i * 40, wrote + 17 + i * 900, 33) != 0 || read[i * 40 + 33];
	tap_ok(!total, "pieces are read, and nothing between them is written");
	ggml_backend_buffer_clear(t->buffer, 7);
	ggml_backend_tensor_get(t, read, 0, BYTES);
	tap_ok(read[0] == 7 && !memcmp(read, read + 1, BYTES - 1), "a buffer is cleared");

	ggml_backend_dev_memory(device, &before, &total);
	ggml_backend_buffer_t buffer = ggml_backend_buft_alloc_buffer(type, 64 << 20);

	ggml_backend_dev_memory(device, &after, &total);
	tap_ok(before - after >= 64 << 20, "64 MiB allocated are %zu MiB fewer free",
	       (before - after) >> 20);
	ggml_backend_buffer_free(buffer);
	ggml_backend_dev_memory(device, &after, &total);
	tap_ok(before == after, "and free again");

	logged[0] = '\0';
	buffer = ggml_backend_buft_alloc_buffer(type, total + (1 << 20));
	tap_ok(!buffer && strstr(logged, "were asked for"), "more than there is: %s", logged);
	logged[0] = '\0';
	free(wrote);
	free(read);
}

static void test_copies(ggml_backend_dev_t one, ggml_backend_dev_t two)
{
	struct ggml_tensor *tensors[] = {
		new_tensor(ggml_backend_dev_buffer_type(one)),
		new_tensor(ggml_backend_dev_buffer_type(one)),
		new_tensor(ggml_backend_dev_buffer_type(two)),
		new_tensor(ggml_backend_dev_host_buffer_type(one)),
		new_tensor(ggml_backend_cpu_buffer_type()),
	};
	static const char *const names[] = { "device", "the same device", "another device",
					     "pinned host memory", "other host memory" };
	uint8_t *wrote = malloc(BYTES), *read = malloc(BYTES);

	tap_ok(ggml_backend_buffer_is_host(tensors[3]->buffer) &&
		       !ggml_backend_buffer_is_host(tensors[0]->buffer),
	       "pinned memory is the host's, device memory is not");
	for (int i = 0; i < 5; i++)
		for (int j = 0; j < 5; j++) {
			if (i == j)
				continue;
			fill_random(wrote, BYTES);
			ggml_backend_tensor_set(tensors[i], wrote, 0, BYTES);
			ggml_backend_tensor_copy(tensors[i], tensors[j]);
			ggml_backend_tensor_get(tensors[j], read, 0, BYTES);
			tap_ok(!memcmp(wrote, read, BYTES), "from %s to %s", names[i], names[j]);
		}
	free(wrote);
	free(read);
}

/* Two streams hand a tensor to each other: each copy must see what the one before it left. */
static void test_async(ggml_backend_dev_t device, ggml_backend_dev_t other)
{
	ggml_backend_t a = ggml_backend_dev_init(device, NULL),
		       b = ggml_backend_dev_init(device, NULL);
	ggml_backend_t far = ggml_backend_dev_init(other, NULL);
	struct ggml_tensor *x = new_tensor(ggml_backend_dev_buffer_type(device));
	struct ggml_tensor *y = new_tensor(ggml_backend_dev_buffer_type(device));
	struct ggml_tensor *z = new_tensor(ggml_backend_dev_buffer_type(other));
	ggml_backend_event_t event = ggml_backend_event_new(device),
			     never = ggml_backend_event_new(device);
	uint8_t *wrote = malloc(BYTES), *read = malloc(BYTES);
	int wrong = 0;

	for (int i = 0; i < 20; i++) {
		fill_random(wrote, 4096);
		memset(read, 0, 4096);
		ggml_backend_tensor_set_async(a, x, wrote, 0, 4096);
		ggml_backend_tensor_copy_async(a, b, x, y);
		ggml_backend_tensor_get_async(b, y, read, 0, 4096);
		ggml_backend_synchronize(b);
		wrong += memcmp(wrote, read, 4096) != 0;
	}
	tap_ok(!wrong, "a copy between streams comes after the one and before the other");
	for (int i = 0; i < 20; i++) {
		fill_random(wrote, 4096);
		ggml_backend_tensor_set_async(a, x, wrote, 0, 4096);
		ggml_backend_event_record(event, a);
		ggml_backend_event_wait(b, event);
		ggml_backend_tensor_get_async(b, x, read, 0, 4096);
		ggml_backend_synchronize(b);
		wrong += memcmp(wrote, read, 4096) != 0;
	}
	tap_ok(!wrong, "a stream waits for the other's event");
	fill_random(wrote, 4096);
	ggml_backend_tensor_set_async(a, x, wrote, 0, 4096);
	ggml_backend_tensor_copy_async(a, far, x, z);
	ggml_backend_tensor_get_async(far, z, read, 0, 4096);
	ggml_backend_synchronize(far);
	tap_ok(!memcmp(wrote, read, 4096), "a copy to a stream of another device");
	ggml_backend_tensor_set_async(a, x, wrote, 0, 4096);
	ggml_backend_event_record(event, a);
	ggml_backend_event_wait(far, event);
	ggml_backend_event_synchronize(event);
	ggml_backend_tensor_get(x, read, 0, 4096);
	tap_ok(!memcmp(wrote, read, 4096), "the host and another device wait for an event");
	logged[0] = '\0';
	ggml_backend_event_synchronize(never);
	ggml_backend_event_wait(b, never);
	tap_ok(!logged[0], "an event that was never recorded is nothing to wait for");
	ggml_backend_event_free(event);
	ggml_backend_event_free(never);
	ggml_backend_free(a);
	ggml_backend_free(b);
	ggml_backend_free(far);
	free(wrote);
	free(read);
}

/* A row of each expert, @k long. */
static struct ggml_tensor *new_experts(struct ggml_context *context, int64_t k)
{
	return ggml_mul_mat_id(context, ggml_new_tensor_3d(context, GGML_TYPE_Q8_0, k, 4, 2),
			       ggml_new_tensor_3d(context, GGML_TYPE_F32, k, 1, 3),
			       ggml_new_tensor_2d(context, GGML_TYPE_I32, 2, 3));
}

static void test_support(ggml_backend_dev_t one, ggml_backend_dev_t two)
{
	struct ggml_init_params params = { .mem_size = 1 << 16, .no_alloc = true };
	struct ggml_context *context = ggml_init(params);
	struct ggml_tensor *f64 = ggml_new_tensor_1d(context, GGML_TYPE_F64, 8);
	struct ggml_tensor *f32 = ggml_new_tensor_2d(context, GGML_TYPE_F32, 8, 4);
	struct ggml_tensor *refused =
		ggml_conv_transpose_1d(context, ggml_new_tensor_3d(context, GGML_TYPE_F32, 3, 1, 1),
				       ggml_new_tensor_2d(context, GGML_TYPE_F32, 8, 1), 1, 0, 1);

	tap_ok(ggml_backend_dev_supports_buft(one, ggml_backend_dev_buffer_type(one)) &&
		       !ggml_backend_dev_supports_buft(one, ggml_backend_dev_buffer_type(two)) &&
		       !ggml_backend_dev_supports_buft(one, ggml_backend_cpu_buffer_type()),
	       "a device reaches its own memory only");
	tap_ok(ggml_backend_dev_supports_op(one, ggml_add(context, f32, f32)) &&
		       ggml_backend_dev_supports_op(one, ggml_transpose(context, f32)),
	       "what is supported");
	logged[0] = '\0';
	tap_ok(!ggml_backend_dev_supports_op(one, ggml_add(context, f64, f64)) &&
		       strstr(logged, "ADD f64 [8 1 1 1]"),
	       "what is not is named: %s", logged);
	logged[0] = '\0';
	tap_ok(!ggml_backend_dev_supports_op(one, ggml_add(context, f64, f64)) && !logged[0],
	       "once");
	ggml_log_set(keep_log, logged);
	tap_ok(!ggml_backend_dev_supports_op(one, ggml_add(context, f64, f64)) &&
		       strstr(logged, "ADD f64 [8 1 1 1]"),
	       "and again to another listener");
	ggml_log_set(keep_log, NULL);
	tap_ok(!ggml_backend_dev_supports_op(one, refused), "an operator that is not there: %s",
	       logged);
	logged[0] = '\0';
	tap_ok(ggml_backend_dev_supports_op(one, new_experts(context, 16384)) && !logged[0],
	       "rows that fit the scratchpad");
	tap_ok(!ggml_backend_dev_supports_op(one, new_experts(context, 1 << 24)) &&
		       strstr(logged, "scratchpad"),
	       "rows that do not: %s", logged);
	logged[0] = '\0';
	ggml_free(context);
}

/* The row that @index names, computed by @backend; *@status of the graph. */
static float row_of(ggml_backend_t backend, int32_t index, enum ggml_status *status)
{
	struct ggml_init_params params = { .mem_size = 1 << 20, .no_alloc = true };
	struct ggml_context *context = ggml_init(params);
	struct ggml_tensor *rows = ggml_new_tensor_2d(context, GGML_TYPE_F32, 1, 4);
	struct ggml_tensor *indices = ggml_new_tensor_1d(context, GGML_TYPE_I32, 1);
	struct ggml_tensor *out = ggml_get_rows(context, rows, indices);
	struct ggml_cgraph *graph = ggml_new_graph(context);
	ggml_backend_buffer_t buffer = ggml_backend_alloc_ctx_tensors(context, backend);
	const float values[] = { 10.0f, 11.0f, 12.0f, 13.0f };
	float value = 0.0f;

	ggml_build_forward_expand(graph, out);
	ggml_backend_tensor_set(rows, values, 0, sizeof(values));
	ggml_backend_tensor_set(indices, &index, 0, sizeof(index));
	*status = ggml_backend_graph_compute(backend, graph);
	ggml_backend_tensor_get(out, &value, 0, sizeof(value));
	ggml_backend_buffer_free(buffer);
	ggml_free(context);
	return value;
}

/* A row that is not there ends the launch. The backend has failed from then on, others of the
 * device go on. */
static void test_fault(ggml_backend_dev_t device)
{
	ggml_backend_t bad = ggml_backend_dev_init(device, NULL),
		       good = ggml_backend_dev_init(device, NULL);
	enum ggml_status status;

	tap_ok(row_of(bad, 2, &status) == 12.0f && status == GGML_STATUS_SUCCESS,
	       "a row by its index");
	logged[0] = '\0';
	row_of(bad, 1000, &status);
	tap_ok(strstr(logged, "Gaon0: waiting for the device: "), "a fault is in the log: %s",
	       logged);
	logged[0] = '\0';
	row_of(bad, 2, &status);
	tap_ok(status == GGML_STATUS_FAILED && !logged[0],
	       "the next graph fails, and the log has it once");
	tap_ok(row_of(good, 3, &status) == 13.0f && status == GGML_STATUS_SUCCESS,
	       "another stream goes on");
	ggml_backend_free(bad);
	ggml_backend_free(good);
	bad = ggml_backend_dev_init(device, NULL);
	tap_ok(row_of(bad, 1, &status) == 11.0f && status == GGML_STATUS_SUCCESS,
	       "a new one as well");
	ggml_backend_free(bad);
}

int main(void)
{
	const char *seed = getenv("GAON_SEED");
	ggml_backend_reg_t reg;

	random_state = seed ? strtoull(seed, NULL, 0) : (uint64_t)getpid() * 2654435761u;
	printf("GAON_SEED=%" PRIu64 "\n", random_state);
	setenv("GAON_DEVICE", "embedded,embedded", 0);
	ggml_log_set(keep_log, NULL);
	test_other_version();
	test_small_scratchpad();
	reg = ggml_backend_load(GGML_PLUGIN);
	if (!tap_ok(reg && !strcmp(ggml_backend_reg_name(reg), "Gaon"),
		    "ggml loads the plug-in: %s", logged))
		return tap_end();
	if (!tap_ok(ggml_backend_reg_dev_count(reg) == 2, "two devices, as GAON_DEVICE says: %s",
		    logged))
		return tap_end();
	test_device(ggml_backend_reg_dev_get(reg, 0), 0);
	test_device(ggml_backend_reg_dev_get(reg, 1), 1);
	test_memory(ggml_backend_reg_dev_get(reg, 0));
	test_copies(ggml_backend_reg_dev_get(reg, 0), ggml_backend_reg_dev_get(reg, 1));
	test_async(ggml_backend_reg_dev_get(reg, 0), ggml_backend_reg_dev_get(reg, 1));
	test_support(ggml_backend_reg_dev_get(reg, 0), ggml_backend_reg_dev_get(reg, 1));
	test_fault(ggml_backend_reg_dev_get(reg, 0));
	free_tensors();
	tap_ok(!logged[0], "nothing else was logged: %s", logged);
	return tap_end();
}
