# A backslash is let into a description.
s/memchr(scalar(p), '\\\\', /memchr(scalar(p), '\\001', /
