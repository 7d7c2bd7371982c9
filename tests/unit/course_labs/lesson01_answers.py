"""Wrong answers to the exercises of lesson 01, and a part of the hint that each must get."""

FOLDERS = 'folders = {prefix + rest.split("/")[0] + "/" for rest in rests if "/" in rest}'
CONDITION = 'if action in statement["Action"] and fnmatchcase(resource, statement["Resource"])'
RESULT = 'return "Allow" in effects and "Deny" not in effects'
ORDER = ("effects = {", "effects = ["), ("\n    }\n", "\n    ]\n")

WRONG = {
    "a": {
        "a list, not a set": (
            (FOLDERS, FOLDERS.replace("{", "[").replace("}", "]")), "once for each key"
        ),
        "no prefix": (("{prefix + rest", "{rest"), "lost their prefix"),
        "no slash": ((' + "/" for', " for"), "lost their slash"),
        "the whole key cut": (
            ('{prefix + rest.split("/")[0]', '{(prefix + rest).split("/")[0]'), "*after* the prefix"
        ),
        "folders inside folders": (
            ('rest.split("/")[0] + "/"', 'rest.rpartition("/")[0] + "/"'), "inside folders"
        ),
        "deeper keys as well": ((' if "/" not in rest)', ")"), "another slash"),
        "every key": ((" if key.startswith(prefix)]", "]"), "do not begin with the prefix"),
        "the keys alone": (("return sorted(folders), ", "return "), "Return two lists"),
    },
    "b": {
        "the first list": (("len(keys), size)", "min(1, len(keys)), size)"), "only the first"),
        "the rest lost": (("len(keys), size)", "len(keys) - size + 1, size)"), "are lost"),
        "one too many": (("len(keys), size)", "len(keys) + 1, size)"), "list is empty"),
        "too long": (("start + size]", "start + size + 1]"), "longer than `size`"),
        "all in one": (("start : start + size", "start:"), "longer than `size`"),
        "a number": (("return [", "return len(["), ("size)]", "size)])"), "list of lists"),
        "one list": (("return [", "return keys or ["), "list of lists"),
    },
    "c": {
        "Deny forgotten": ((RESULT, 'return "Allow" in effects'), "forget `Deny`"),
        "allowed by default": ((RESULT, 'return "Deny" not in effects'), "no statement mentions"),
        "the first decides": (*ORDER, (RESULT, 'return effects[:1] == ["Allow"]'), "one statement"),
        "the last decides": (*ORDER, (RESULT, 'return effects[-1:] == ["Allow"]'), "one statement"),
        "no wildcards": (
            ("fnmatchcase(resource, statement", "resource == (statement"), "with `==`"
        ),
        "any action": ((CONDITION, CONDITION.replace('action in statement["Action"] and ', "")),
                       "the resource only"),
        "a set": ((RESULT, "return effects"), "True or False"),
    },
}  # fmt: skip
