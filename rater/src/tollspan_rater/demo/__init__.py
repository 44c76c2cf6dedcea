"""An hour of seeded traffic that becomes proved bills."""
