// SPDX-License-Identifier: MIT
/*
 * The server handles what a virtual machine and its guest send.  If one of them should take it over
 * all the same, there is little to be had: no other program, no new socket, no file but for reading
 * (and the non-volatile state, if there is one).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "server.h"

#if defined(__x86_64__)
#define ARCH	AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH	AUDIT_ARCH_AARCH64
#endif

/* Sanitizers make system calls of their own. */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || !defined(ARCH)
#define FILTERED	false
#else
#define FILTERED	true
#endif

static const unsigned short allowed[] = {
	/* sockets, files, eventfds, memory */
	SYS_read, SYS_write, SYS_close, SYS_recvmsg, SYS_sendmsg, SYS_recvfrom, SYS_sendto, SYS_accept4,
	SYS_shutdown, SYS_ppoll, SYS_fcntl, SYS_fstat, SYS_newfstatat, SYS_statx, SYS_fstatfs, SYS_lseek,
	SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_fsync, SYS_fdatasync,
	SYS_ftruncate, SYS_fallocate, SYS_memfd_create, SYS_eventfd2, SYS_mmap, SYS_munmap, SYS_mprotect,
	SYS_mremap, SYS_madvise, SYS_brk,
	/* threads, signals, time */
	SYS_futex, SYS_clone, SYS_clone3, SYS_set_robust_list, SYS_rseq, SYS_exit, SYS_exit_group,
	SYS_tgkill, SYS_gettid, SYS_getpid, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn,
	SYS_restart_syscall, SYS_sched_yield, SYS_sched_getaffinity, SYS_nanosleep, SYS_clock_nanosleep,
	SYS_clock_gettime, SYS_clock_getres, SYS_getrandom, SYS_getcpu, SYS_prctl, SYS_prlimit64,
	SYS_sysinfo, SYS_uname, SYS_unlinkat,
#if defined(__x86_64__)
	SYS_poll, SYS_unlink, SYS_arch_prctl,	/* arch_prctl: AMX has to be asked for */
#endif
};

#define WRITING	(O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)

#define LOAD(FIELD) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, FIELD))
#define RETURN(ACTION) \
	BPF_STMT(BPF_RET | BPF_K, ACTION)

static int install_filter(bool writes_files)
{
	const unsigned int count = sizeof(allowed) / sizeof(allowed[0]);
	struct sock_filter code[sizeof(allowed) / sizeof(allowed[0]) + 16];
	struct sock_fprog program = { .filter = code };
	unsigned int n = 0;

#if defined(ARCH)
	code[n++] = (struct sock_filter)LOAD(arch);
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	code[n++] = (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS);
#endif
	code[n++] = (struct sock_filter)LOAD(nr);
	/* Jumps reach 255 instructions: all to the permission behind the list. */
	for (unsigned int i = 0; i < count; i++)
		code[n++] = (struct sock_filter)
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i], count - i + 3, 0);
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 2);
	code[n++] = (struct sock_filter)LOAD(args[2]);
	code[n++] = (struct sock_filter)
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, writes_files ? 0 : WRITING, 0, 1);
	code[n++] = (struct sock_filter)RETURN(SECCOMP_RET_ERRNO | EPERM);
	code[n++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
	program.len = n;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? -errno : 0;
}

int vfu_sandbox_enter(bool writes_files)
{
	const struct rlimit files = { 1024, 1024 }, core = { 0, 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || setrlimit(RLIMIT_NOFILE, &files) ||
	    setrlimit(RLIMIT_CORE, &core))
		return -errno;
	return FILTERED ? install_filter(writes_files) : 0;
}
