"""The server: receivers, pipeline and API on one data folder."""
