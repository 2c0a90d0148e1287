# A row of uapi/abi.tbl as one of struct abi_row's initialisers.
s/^(KVM_[A-Z0-9_]+) *[|] *(sys|vm|vcpu) *[|] *([^|]*[^| ]) *[|].*/{ "\1", \1, '\2', "\3" },/
s/'sys'/SCOPE_SYS/
s/'vm'/SCOPE_VM/
s/'vcpu'/SCOPE_VCPU/
