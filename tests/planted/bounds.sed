# What is read of an answer may go one byte beyond its end.
s/if (left(r) < n)/if (left(r) + 1 < n)/
