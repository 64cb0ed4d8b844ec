// SPDX-License-Identifier: MIT
/*
 * Part of a libgaon for tests, which programs find in the place of the real one by LD_LIBRARY_PATH:
 * the same library with a door to the embedded device of a program that no one here wrote.
 *
 * GAON_PROBE=PATH: a socket there answers one word for each connection,
 *   memory	bytes of device memory in use, over all of the process
 *   crash	kills the device's firmware, from which it does not come back
 * GAON_PROBE_VECTOR=portable, v3 or v4: the host code for vector instructions.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <gaon/gaon.h>

#include "../../runtime/device.h"
#include "../../runtime/winsys/direct.h"
#include "../../tools/sim/hart/vector_kernels.h"

static int listener = -1;

static __attribute__((noreturn)) void probe_fail(const char *what)
{
	fprintf(stderr, "probe: %s\n", what);
	_exit(77);
}

static struct direct *embedded_of(struct gaon_device *device)
{
	enum gaon_status status;
	struct rt_device *dev = obj_find(OBJ_DEVICE, device, &status);

	return dev ? (struct direct *)dev->ws : NULL;
}

static void answer(int peer, const char *line)
{
	struct gaon_admin_cmd crash = {
		.opcode = GAON_ADMIN_INJECT,
		.inject = { .kind = GAON_INJECT_FW_CRASH },
	};
	uint64_t left = 0, all = 0;
	struct gaon_device *device;

	/* One more context of the one embedded device of the process. */
	if (gaon_device_open("embedded", &device)) {
		dprintf(peer, "error %s\n", gaon_last_error()->text);
		return;
	}
	if (!strcmp(line, "memory") && !gaon_device_get_memory(device, &left, &all))
		dprintf(peer, "%llu\n", (unsigned long long)(all - left));
	else if (!strcmp(line, "crash"))
		dprintf(peer, "%d\n", direct_admin(embedded_of(device), &crash, NULL));
	else
		dprintf(peer, "error %s\n", line);
	gaon_device_close(device);
}

/* One command for each connection. */
static void *serve(void *arg)
{
	char line[64];

	(void)arg;
	for (;;) {
		int peer = accept(listener, NULL, NULL);
		ssize_t got = peer < 0 ? 0 : read(peer, line, sizeof(line) - 1);

		if (got > 0) {
			line[got] = '\0';
			answer(peer, line);
		}
		if (peer >= 0)
			close(peer);
	}
	return NULL;
}

/* At the end: was it this code until then, or did the model's own choice come after ours? */
static const struct vec_kint *chosen;
static __attribute__((destructor)) void probe_end(void)
{
	if (chosen && vec_kint != chosen)
		probe_fail("GAON_PROBE_VECTOR was not heeded");
}

static void select_vector(const char *name)
{
	static const char *const names[] = { [VEC_HOST_PORTABLE] = "portable",
					     [VEC_HOST_V3] = "v3",
					     [VEC_HOST_V4] = "v4" };

	for (unsigned int i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i], name) && sim_vector_select((enum vec_host)i)) {
			chosen = vec_kint;
			return;
		}
	probe_fail("GAON_PROBE_VECTOR names code that this processor cannot run");
}

/* Linked last, so that it comes after the model's own choice. */
static __attribute__((constructor)) void probe_start(void)
{
	const char *path = getenv("GAON_PROBE"), *vector = getenv("GAON_PROBE_VECTOR");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	pthread_t thread;

	if (vector && *vector)
		select_vector(vector);
	if (!path || !*path)
		return;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unsetenv("GAON_PROBE");
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(listener, 4) || pthread_create(&thread, NULL, serve, NULL))
		probe_fail("GAON_PROBE: no socket there");
	pthread_detach(thread);
}
