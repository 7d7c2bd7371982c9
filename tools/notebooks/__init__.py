"""How notebooks are made from their scripts, executed and checked."""
