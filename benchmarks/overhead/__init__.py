"""What tollspan costs the application: its calls, its streams, its start and its memory."""
