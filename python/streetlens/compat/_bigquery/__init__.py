"""The parts of `streetlens.compat.bigquery`: jobs, rows and parameters."""
