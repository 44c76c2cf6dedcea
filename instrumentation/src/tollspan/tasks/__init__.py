"""Attribution across job queues, one file a library; each imports its library and nothing else does."""
