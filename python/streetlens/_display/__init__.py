"""Data to text and HTML. Pure functions: nothing here reads, waits or calls anything of streetlens."""
