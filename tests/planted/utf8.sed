# A character that is cut short at the end of a text is read beyond it.
s/if (len < n)/if (len + 1 < n)/
