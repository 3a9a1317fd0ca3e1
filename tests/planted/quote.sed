# A quote is not escaped.
s/\*text == '"' || //
