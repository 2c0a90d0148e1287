FLAGS += -mno-red-zone -mgeneral-regs-only -fcf-protection=none
