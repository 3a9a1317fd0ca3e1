# A component of an overlay's path may begin with any character of those that may be in it.
s/ || !(is_alnum(s\[0\]) || s\[0\] == '_')//
