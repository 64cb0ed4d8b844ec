/* SPDX-License-Identifier: MIT */
#ifndef GAON_TESTS_UAPI_SHRINK_GROUP_H
#define GAON_TESTS_UAPI_SHRINK_GROUP_H

/* Memory cgroups. A result for each thing; needs a place to swap to. */
void test_group(void);

#endif
