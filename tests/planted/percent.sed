# A percent sign is not doubled.
s/\*text == '%'/*text == '\\001'/
