# SPDX-License-Identifier: MIT
# The vfio-user server: the part that tests link, and the process around it (gaon-sim's).
VFIO_SRCS	:= $(wildcard tools/sim/vfio/*.c)
VFIO_OBJS	:= $(VFIO_SRCS:%.c=$(O)/%.o)
VFIO_LIBS	:= -ljansson
