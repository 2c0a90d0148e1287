# Low memory of the guest is for its tables and stacks (lib/riscv.h).
LDFLAGS += -Wl,-Ttext-segment=0x400000
