"""Street View Insights in one import."""
