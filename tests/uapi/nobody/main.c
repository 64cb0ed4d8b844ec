// SPDX-License-Identifier: MIT
/*
 * What a user without privileges learns of another who uses the same card: nothing of his memory, work and
 * faults in /proc, sysfs, debugfs and traces, no names of objects, no events. As root, which makes both
 * users.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../queue_lib.h"

#define NODE		"/dev/accel/accel0"
#define VICTIM		"gaon-victim"		/* what the process calls itself */
#define OBJECT		"secret-weights"	/* and its memory */
#define VICTIM_UID	65533u
#define SPY_UID		65534u
#define FLINKS		16u

static void become(unsigned int uid)
{
	REQUIRE(!setgroups(0, NULL) && !setresgid(uid, uid, uid) && !setresuid(uid, uid, uid), "user %u", uid);
	/* As a process that did not change its user. */
	prctl(PR_SET_DUMPABLE, 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* Named memory, a fault, and a file that stays open: its number is told. */
static void victim_run(int told)
{
	struct drm_gaon_bo_set_name name = { .name = OBJECT };
	struct lib_queue queue;
	struct lib lib;

	uapi_quiet = true;
	become(VICTIM_UID);
	prctl(PR_SET_NAME, VICTIM);
	lib_open_user(&lib, &queue);
	lib_code(&lib);
	name.handle = lib.bo;
	MUST(!uapi_ioctl(lib.fd, DRM_IOCTL_GAON_BO_SET_NAME, &name), "a name");
	MUST(lib_run(&queue, lib_launch(LIB_CODE_VA + LIB_CODE_BREAK, 0, 1)) == EIO, "a fault");
	MUST(write(told, &lib.fd, sizeof(lib.fd)) == sizeof(lib.fd), "told");
	for (;;)
		pause();
}

static size_t read_some(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	ssize_t n = -1;

	if (fd >= 0) {
		n = read(fd, text, size - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static bool names_victim(const char *text, size_t bytes)
{
	return memmem(text, bytes, VICTIM, strlen(VICTIM)) || memmem(text, bytes, OBJECT, strlen(OBJECT));
}

/* --- what the other user tries --------------------------------------------------------------------- */

struct walk {
	unsigned int files, writable, telling;
};

/* Files of the card below a directory of sysfs. */
static void walk(const char *at, struct walk *w, unsigned int depth)
{
	static char text[65536];
	struct dirent *entry;
	char path[512];
	struct stat st;
	DIR *dir = opendir(at);

	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", at, entry->d_name);
		if (entry->d_name[0] == '.' || lstat(path, &st))
			continue;
		if (S_ISDIR(st.st_mode) && depth)
			walk(path, w, depth - 1);
		if (!S_ISREG(st.st_mode))
			continue;
		w->files++;
		if (!access(path, W_OK)) {
			w->writable++;
			printf("# %s can be written\n", path);
		}
		if (names_victim(text, read_some(path, text, sizeof(text)))) {
			w->telling++;
			printf("# %s tells of another user\n", path);
		}
	}
	if (dir)
		closedir(dir);
}

/* Nobody but root has global names of objects: they could be guessed. */
static void test_names(int fd, uint32_t handle)
{
	struct drm_gem_flink flink = { .handle = handle };
	unsigned int opened = 0;

	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GEM_FLINK, &flink), EACCES, "a global name is not given");
	for (unsigned int i = 1; i <= FLINKS; i++) {
		struct drm_gem_open args = { .name = i };

		opened += uapi_ioctl(fd, DRM_IOCTL_GEM_OPEN, &args) != EACCES;
	}
	CHECK(!opened, "nor looked for: %u times", opened);
}

static void refused(const char *pattern, int flags)
{
	glob_t found;
	unsigned int bad = 0, n = 0;

	if (!glob(pattern, 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++, n++) {
			int fd = open(found.gl_pathv[i], flags);

			bad += fd >= 0 || (errno != EACCES && errno != EPERM);
			if (fd >= 0)
				close(fd);
		}
		globfree(&found);
	}
	CHECK(!bad && n, "%s: %u files, %u are not refused", pattern, n, bad);
}

static void spy_run(pid_t victim, int victim_fd)
{
	char *card = realpath("/sys/class/accel/accel0/device", NULL), path[96];
	struct drm_gaon_queue_query query = { 0 };
	struct lib_queue queue;
	struct walk w = { 0 };
	struct pollfd event;
	struct lib lib;

	become(SPY_UID);
	lib_open_user(&lib, &queue);
	CHECK_ERRNO(lib_run(&queue, lib_nop(0, 0, 0)), 0, "another user can use the card");
	CHECK_ERRNO(lib_state(&queue, &query, 0), 0, "the state of his queue");
	event = (struct pollfd){ .fd = lib.fd, .events = POLLIN };
	CHECK(query.fault.type == 0 && !query.fault.pc && !query.fault.va && !poll(&event, 1, 0),
	      "tells nothing of another's fault, nor is there an event");
	test_names(lib.fd, lib.bo);
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", victim, victim_fd);
	CHECK(open(path, O_RDONLY) < 0 && errno == EACCES, "%s: %s", path, strerror(errno));
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", victim, victim_fd);
	CHECK(open(path, O_RDWR) < 0 && errno == EACCES, "%s: %s", path, strerror(errno));
	REQUIRE(card, "the card in sysfs");
	walk(card, &w, 3);
	CHECK(w.files > 20, "%u files of the card in sysfs", w.files);
	CHECK(!w.telling, "%u of them tell of another user", w.telling);
	CHECK(!w.writable, "%u of them can be written", w.writable);
	refused("/sys/class/accel/accel0/device/resource[0-9]*", O_RDONLY);
	refused("/sys/module/gaon/parameters/*", O_WRONLY);
	refused("/sys/kernel/debug", O_RDONLY);
	refused("/sys/kernel/tracing", O_RDONLY);
	lib_close(&lib);
	uapi_exit();
}

/* --- root ------------------------------------------------------------------------------------------ */

/* There is something to be seen: root sees it. */
static bool root_sees(void)
{
	static char text[65536];
	glob_t found;
	bool seen;

	if (glob("/sys/kernel/debug/accel/*/objects", 0, NULL, &found))
		return false;
	seen = names_victim(text, read_some(found.gl_pathv[0], text, sizeof(text)));
	globfree(&found);
	return seen;
}

int main(void)
{
	int told[2], victim_fd, status = -1;
	pid_t victim, spy;
	struct stat st;

	REQUIRE(!stat(NODE, &st) && !chmod(NODE, 0666) && !pipe(told), "everybody may use the card: %s",
		strerror(errno));
	fflush(stdout);
	victim = fork();
	if (!victim)
		victim_run(told[1]);
	close(told[1]);
	MUST(read(told[0], &victim_fd, sizeof(victim_fd)) == sizeof(victim_fd), "a user has a fault");
	MUST(root_sees(), "root sees it");
	spy = fork();
	if (!spy)
		spy_run(victim, victim_fd);
	waitpid(spy, &status, 0);
	kill(victim, SIGKILL);
	waitpid(victim, NULL, 0);
	if (chmod(NODE, st.st_mode & 07777))
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
