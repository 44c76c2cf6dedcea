"""Attribution of whole requests, one file a framework; each imports its framework and nothing else does."""
