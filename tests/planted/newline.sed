# A newline is let into what is one line.
s/c == '\\n' && !newline_ok/c == '\\001' \&\& !newline_ok/
