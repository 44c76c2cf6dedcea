"""What can be asked; one place for API, CLI and exports."""
