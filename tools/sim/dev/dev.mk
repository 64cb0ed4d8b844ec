# SPDX-License-Identifier: MIT
# The device model as a library: harts, matrix unit, management core, device.  Link with -lcrypto -lm.
-include $(if $(MATRIX_OBJS),,tools/sim/matrix/matrix.mk)

DEV_OBJS	:= $(patsubst %.c,$(O)/%.o,$(wildcard tools/sim/dev/*.c tools/sim/mcu/*.c))
LIBSIM		:= $(O)/tools/sim/libgaon_sim.a
SIM_LIBS	:= -lcrypto -lm

$(LIBSIM): $(DEV_OBJS) $(MATRIX_OBJS) $(HART_OBJS)
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $^

ALL += $(LIBSIM)
