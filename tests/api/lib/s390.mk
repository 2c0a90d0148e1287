# Low memory of the guest is for its lowcores, tables and stacks (lib/s390.h).  Its code
# keeps off the floating-point registers, and off what a z10 does not have.
LDFLAGS += -Wl,-Ttext-segment=0x400000
FLAGS += -msoft-float -march=z10
