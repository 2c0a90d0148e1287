# Low memory of the guest is for its tables and stacks (lib/arm64.h).  Its code keeps off
# the SIMD registers, signs no addresses, and calls no library for atomics.
LDFLAGS += -Wl,-Ttext-segment=0x400000
FLAGS += -mgeneral-regs-only -mno-outline-atomics -mbranch-protection=none
