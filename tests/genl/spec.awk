# SPDX-License-Identifier: GPL-2.0-only
# The attributes of Documentation/netlink/specs/leastconn.yaml as C.

BEGIN {
	type["pad"] = "UNSPEC"
	type["nest"] = "NESTED"
	type["string"] = "NUL_STRING"
	print "/* Made by spec.awk. */"
	print "#include <libmnl/libmnl.h>"
	print "#include <stdbool.h>"
	print "#include <string.h>"
	print "#include <linux/leastconn.h>\n"
	print "static const struct spec_attribute {"
	print "\tconst char\t\t*name;"
	print "\tenum mnl_attr_data_type\ttype;"
	print "\tbool\t\t\tin_change;"
	print "} spec_attributes[LEASTCONN_A_MAX + 1] = {"
}

/^[a-z]/ { section = $1 }
section != "attribute-sets:" { next }
/^    name: / { set = $2 }
/^        name: / { name = "LEASTCONN_A_" toupper($2); gsub("-", "_", name) }
set == "attr" && /^        name: / { printf "\t[%s].name = \"%s\",\n", name, $2 }
set == "attr" && /^        type: / {
	printf "\t[%s].type = MNL_TYPE_%s,\n", name,
		$2 in type ? type[$2] : toupper($2)
}
set == "change" && /^        name: / { printf "\t[%s].in_change = true,\n", name }

END {
	print "};\n"
	print "/* Return: the type, or 0: there is no attribute of that name. */"
	print "static inline unsigned int spec_find(const char *name)\n{"
	print "\tunsigned int type = LEASTCONN_A_MAX;\n"
	print "\twhile (type && strcmp(spec_attributes[type].name, name) != 0)"
	print "\t\ttype--;"
	print "\treturn type;\n}"
}
