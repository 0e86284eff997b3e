"""The pages: complete, and asking nothing of other hosts."""
