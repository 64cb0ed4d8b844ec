/* SPDX-License-Identifier: MIT */
/* The library's log: one line at a time, to the program's callback, a file or standard error. */
#ifndef GAON_RUNTIME_LOG_H
#define GAON_RUNTIME_LOG_H

#include <stdarg.h>

#include <gaon/gaon.h>

void gaon_log_line(enum gaon_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
bool gaon_log_wanted(enum gaon_log_level level);

#define log_error(...)		gaon_log_line(GAON_LOG_ERROR, __VA_ARGS__)
#define log_warning(...)	gaon_log_line(GAON_LOG_WARNING, __VA_ARGS__)
#define log_info(...)		gaon_log_line(GAON_LOG_INFO, __VA_ARGS__)
#define log_debug(...)		gaon_log_line(GAON_LOG_DEBUG, __VA_ARGS__)

#endif
