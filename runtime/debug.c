// SPDX-License-Identifier: MIT
#include "debug.h"

const struct gaon_debugger *rt_debugger;
