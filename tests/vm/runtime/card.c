// SPDX-License-Identifier: MIT
/*
 * What only a real driver can do to the runtime: the card is taken away in the middle of work and comes
 * back, processes share memory, one of them is killed.  Runs in a guest, as root.
 */
#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gaon/gaon.h>

#include "../../check_run.h"

#define WAIT	60000000000ull
#define BYTES	(1 << 20)

#define ok(call) ck_assert_msg(!(call), "%s: %s", #call, gaon_last_error()->text)

static struct gaon_device *dev;
static struct gaon_stream *stream;
static struct gaon_mem *mem;

static void start(void)
{
	ok(gaon_device_open("accel0", &dev));
	ok(gaon_stream_create(dev, NULL, &stream));
	ok(gaon_mem_alloc(dev, BYTES, GAON_MEM_DEVICE, &mem));
}

/* It computes: a fill is read back. */
static void works(uint64_t pattern)
{
	uint64_t got = 0;

	ok(gaon_mem_fill_async(stream, gaon_mem_va(mem), pattern, 8, BYTES));
	ok(gaon_stream_wait(stream, WAIT));
	ok(gaon_mem_read(dev, &got, gaon_mem_va(mem) + BYTES - 8, 8));
	ck_assert_uint_eq(got, pattern);
}

/* --- taken away ------------------------------------------------------------------------------ */

static void sysfs_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	ck_assert_msg(fd >= 0, "%s", path);
	ck_assert_msg(write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s to %s", text, path);
	close(fd);
}

static void *unbind_soon(void *address)
{
	usleep(200000);
	sysfs_write("/sys/bus/pci/drivers/gaon/unbind", address);
	return NULL;
}

static char address[64];	/* of the card, on its bus */

static void remember(void)
{
	char link[256];
	ssize_t n = readlink("/sys/class/accel/accel0/device", link, sizeof(link) - 1);

	link[n < 0 ? 0 : n] = '\0';
	snprintf(address, sizeof(address), "%.63s", n > 0 && strrchr(link, '/') ? strrchr(link, '/') + 1 : "");
}

/* A test that fails while the card is away leaves none to those that follow. */
static void bring_back(void)
{
	int fd;

	if (!access("/dev/accel/accel0", F_OK))
		return;
	fd = open("/sys/bus/pci/drivers/gaon/bind", O_WRONLY);
	if (fd < 0 || write(fd, address, strlen(address)) < 0)
		fprintf(stderr, "%s is not bound again\n", address);
	close(fd);
}

/* Ends with DEVICE_LOST, in bounded time, whatever is tried. */
static void lost(enum gaon_status status)
{
	ck_assert_msg(status == GAON_ERROR_DEVICE_LOST, "%s: %s", gaon_status_name(status),
		      status ? gaon_last_error()->text : "");
}

START_TEST(unbound_under_work)
{
	struct gaon_device_info info = { .size = sizeof(info) };
	struct gaon_device_counters counters = { .size = sizeof(counters) };
	struct gaon_mem *host, *none;
	enum gaon_status status;
	volatile uint8_t *ptr;
	pthread_t thread;
	uint64_t x;

	start();
	works(1);
	ok(gaon_device_get_info(dev, &info));
	ok(gaon_mem_alloc(dev, BYTES, GAON_MEM_HOST, &host));
	ptr = gaon_mem_ptr(host);
	ptr[5] = 5;
	ck_assert(!pthread_create(&thread, NULL, unbind_soon, info.address));
	do {
		status = gaon_mem_fill_async(stream, gaon_mem_va(mem), 7, 8, BYTES);
		if (!status)
			status = gaon_stream_wait(stream, WAIT);
	} while (!status);
	lost(status);
	pthread_join(thread, NULL);
	/* Memory that was mapped is there still: no signal. */
	x = ptr[5];
	ptr[5] = (uint8_t)(x + 1);
	lost(gaon_mem_read(dev, &x, gaon_mem_va(mem), 8));
	lost(gaon_mem_alloc(dev, BYTES, GAON_MEM_DEVICE, &none));
	lost(gaon_device_get_counters(dev, &counters));
	lost(gaon_stream_wait(stream, WAIT));
	ok(gaon_device_close(dev));
	/* The library says what is the matter while nobody drives the card, and what mends it does. */
	status = gaon_device_open(info.address, &dev);
	ck_assert_int_eq(status, GAON_ERROR_NO_DEVICE);
	ck_assert_ptr_nonnull(strstr(gaon_last_error()->text, "was unbound"));
	ck_assert_ptr_nonnull(strstr(gaon_last_error()->hint, "/sys/bus/pci/drivers/gaon/bind"));
	sysfs_write("/sys/bus/pci/drivers/gaon/bind", info.address);
	ok(gaon_device_open(info.address, &dev));
	ok(gaon_stream_create(dev, NULL, &stream));
	ok(gaon_mem_alloc(dev, BYTES, GAON_MEM_DEVICE, &mem));
	works(2);
	ok(gaon_device_close(dev));
}
END_TEST

/* --- shared ---------------------------------------------------------------------------------- */

static void send_fd(int socket, int fd)
{
	union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = { 0 };
	struct iovec data = { .iov_base = "m", .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	ck_assert_int_eq(sendmsg(socket, &msg, 0), 1);
}

static int take_fd(int socket)
{
	union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = { 0 };
	char byte;
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	int fd = -1;

	if (recvmsg(socket, &msg, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

/* The child's side: fills what it is given with 0x22.., then is killed with it mapped. */
static void fill_and_linger(int socket)
{
	struct gaon_mem *theirs;
	int fd = take_fd(socket);

	if (fd < 0 || gaon_device_open("accel0", &dev) || gaon_mem_import_fd(dev, fd, 0, &theirs) ||
	    gaon_mem_size(theirs) != BYTES ||
	    gaon_mem_fill(dev, gaon_mem_va(theirs), 0x2222222222222222ull, 8, BYTES)) {
		fprintf(stderr, "child: %s\n", gaon_last_error()->text);
		_exit(1);
	}
	if (write(socket, "d", 1) != 1)
		_exit(2);
	for (;;)
		pause();
}

static void share(enum gaon_mem_kind kind)
{
	struct gaon_mem *ours;
	uint64_t got = 0;
	int pair[2], fd, status;
	char byte = 0;
	pid_t child;

	ck_assert(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	child = fork();
	ck_assert_int_ge(child, 0);
	if (!child)
		fill_and_linger(pair[1]);
	close(pair[1]);
	start();
	ok(gaon_mem_alloc(dev, BYTES, kind, &ours));
	ok(gaon_mem_export(ours, &fd));
	send_fd(pair[0], fd);
	close(fd);
	ck_assert_int_eq(read(pair[0], &byte, 1), 1);
	ok(gaon_mem_read(dev, &got, gaon_mem_va(ours) + BYTES - 8, 8));
	ck_assert_uint_eq(got, 0x2222222222222222ull);
	if (kind == GAON_MEM_HOST)
		ck_assert_uint_eq(*(uint64_t *)gaon_mem_ptr(ours), got);
	/* Its death is not ours. */
	ck_assert(!kill(child, SIGKILL));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	works(3);
	ok(gaon_mem_read(dev, &got, gaon_mem_va(ours), 8));
	ck_assert_uint_eq(got, 0x2222222222222222ull);
	ok(gaon_device_close(dev));
	close(pair[0]);
}

START_TEST(shared_with_a_process)
{
	share(_i ? GAON_MEM_HOST : GAON_MEM_DEVICE);
}
END_TEST

/* --- shared and in order --------------------------------------------------------------------- */

#define ROUNDS	16

static uint64_t pattern_of(unsigned int turn)
{
	return 0x0101010101010101ull * (turn + 1);
}

/*
 * One of two processes that write the same memory in turn: it waits until the semaphore is at
 * @turn, finds what the other wrote, writes its own and raises it. Nothing but the semaphore orders
 * the two.
 */
static bool take_turn(struct gaon_semaphore *sem, struct gaon_mem *shared, unsigned int turn)
{
	static uint64_t got[BYTES / 8];
	unsigned int i;

	if (gaon_stream_wait_semaphore(stream, sem, turn) ||
	    gaon_mem_read_async(stream, got, gaon_mem_va(shared), BYTES) ||
	    gaon_mem_fill_async(stream, gaon_mem_va(shared), pattern_of(turn), 8, BYTES) ||
	    gaon_stream_signal_semaphore(stream, sem, turn + 1) || gaon_stream_wait(stream, WAIT)) {
		fprintf(stderr, "turn %u: %s\n", turn, gaon_last_error()->text);
		return false;
	}
	for (i = 0; turn && i < BYTES / 8; i++) {
		if (got[i] != pattern_of(turn - 1)) {
			fprintf(stderr, "turn %u: word %u is %#llx\n", turn, i, (unsigned long long)got[i]);
			return false;
		}
	}
	return true;
}

static void play_and_linger(int socket)
{
	int fd = take_fd(socket), sem_fd = take_fd(socket);
	struct gaon_semaphore *sem;
	struct gaon_mem *theirs;
	unsigned int turn;

	if (gaon_device_open("accel0", &dev) || gaon_stream_create(dev, NULL, &stream) ||
	    gaon_mem_import_fd(dev, fd, 0, &theirs) || gaon_semaphore_import_fd(dev, sem_fd, &sem))
		_exit(1);
	for (turn = 1; turn < ROUNDS; turn += 2) {
		if (!take_turn(sem, theirs, turn))
			_exit(2);
	}
	/* Until it is killed, in the middle of a wait. */
	gaon_stream_wait_semaphore(stream, sem, UINT32_MAX);
	for (;;)
		pause();
}

START_TEST(in_turn_with_a_process)
{
	struct gaon_semaphore *sem;
	int pair[2], fd, status;
	struct gaon_mem *ours;
	unsigned int turn;
	pid_t child;

	ck_assert(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	child = fork();
	ck_assert_int_ge(child, 0);
	if (!child)
		play_and_linger(pair[1]);
	close(pair[1]);
	start();
	ok(gaon_mem_alloc(dev, BYTES, _i ? GAON_MEM_HOST : GAON_MEM_DEVICE, &ours));
	ok(gaon_semaphore_create(dev, &sem));
	ok(gaon_mem_export(ours, &fd));
	send_fd(pair[0], fd);
	close(fd);
	ok(gaon_semaphore_export(sem, &fd));
	send_fd(pair[0], fd);
	close(fd);
	for (turn = 0; turn < ROUNDS; turn += 2)
		ck_assert(take_turn(sem, ours, turn));
	ok(gaon_semaphore_wait(sem, ROUNDS, WAIT));
	ok(gaon_stream_wait_semaphore(stream, sem, ROUNDS + 1));
	ck_assert(!kill(child, SIGKILL));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status));
	/* Nobody raises it now but we ourselves. */
	ck_assert_int_eq(gaon_semaphore_wait(sem, ROUNDS + 1, 100000000), GAON_ERROR_TIMEOUT);
	ck_assert_int_eq(gaon_stream_query(stream), GAON_ERROR_NOT_READY);
	ok(gaon_semaphore_signal(sem, ROUNDS + 1));
	works(5);
	ok(gaon_device_close(dev));
	close(pair[0]);
}
END_TEST

/* A process that is killed at any moment of its work leaves the card to others. */
START_TEST(killed_at_work)
{
	int i;

	for (i = 0; i < 10; i++) {
		int status;
		pid_t child = fork();

		ck_assert_int_ge(child, 0);
		if (!child) {
			start();
			for (;;) {
				if (gaon_mem_fill_async(stream, gaon_mem_va(mem), 1, 8, BYTES))
					_exit(1);
			}
		}
		usleep(30000u * (unsigned int)i);
		ck_assert(!kill(child, SIGKILL));
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert(WIFSIGNALED(status));
	}
	start();
	works(4);
	ok(gaon_device_close(dev));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime card");
	TCase *tc = tcase_create("card"), *shared = tcase_create("share");

	tcase_set_timeout(tc, 30);
	tcase_set_timeout(shared, 30);
	tcase_add_loop_test(shared, shared_with_a_process, 0, 2);
	tcase_add_loop_test(shared, in_turn_with_a_process, 0, 2);
	suite_add_tcase(suite, shared);
	tcase_add_unchecked_fixture(tc, remember, bring_back);
	tcase_add_test(tc, killed_at_work);
	/* The moment counts: work that is lost to the removal is not said to have been reset. */
	tcase_add_loop_test(tc, unbound_under_work, 0, 5);
	suite_add_tcase(suite, tc);
	return check_run(suite);
}
