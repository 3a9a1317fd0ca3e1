# A file is looked at twice.
s/if (fstat(fd, &st) < 0)/if (fstat(fd, \&st) < 0 || fstat(fd, \&st) < 0)/
