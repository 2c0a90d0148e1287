# The rows of uapi/abi.tbl that concern one architecture, as calls of macros:
#
#	ABI_IOCTL(name, scope, size of its structure, ways, errnos...)
#	ABI_CAP(name, comparison, answer)
#
# awk -v isa=x86 -f abi_rows.awk abi.tbl
BEGIN { FS = " *[|] *" }

/^KVM_/ && fits($4) {
	sub(/ *$/, "", $8)
	if ($2 == "cap")
		printf "ABI_CAP(%s, %s)\n", $1, answer($7)
	else if ($2 != "exit")
		printf "ABI_IOCTL(%s, SCOPE_%s, %s%s)\n", $1, toupper($2), structure($3), errnos($7)
}

function fits(isas,	list, count, i) {
	count = split(isas, list, / *, */)
	for (i = 1; i <= count; i++)
		if (list[i] == "any" || list[i] == isa)
			return 1
	return 0
}

# "kvm_regs", or "kvm_irqchip in" where the command does not say which way it goes.
function structure(text,	word, ways) {
	if (text == "-")
		return "0, 0"
	split(text, word, " ")
	ways["in"] = "ABI_IN"
	ways["out"] = "ABI_OUT"
	return sprintf("sizeof(%s%s), %s", word[1] ~ /^__/ ? "" : "struct ", word[1],
		       word[2] in ways ? ways[word[2]] : "0")
}

# "EINVAL,x86:EEXIST": the second one on x86 only.
function errnos(text,	list, count, part, i, all) {
	count = text == "-" ? 0 : split(text, list, / *, */)
	all = ""
	for (i = 1; i <= count; i++) {
		if (split(list[i], part, ":") == 2 && part[1] != isa)
			continue
		all = all ", " (2 in part ? part[2] : list[i])
	}
	return all
}

function answer(text) {
	if (text ~ /^>=/)
		return ">=, " substr(text, 4)
	return "==, " text
}
