# The arena is cleared for each spec.
s/spec->arena_used = 0;/&\n    memset(spec->arena, 0, sizeof(spec->arena));/
