// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Where the tracepoints are. */
#ifndef __CHECKER__
#define CREATE_TRACE_POINTS
#include "gaon_trace.h"
#endif
