"""From a customer's usage and plan to invoice lines that explain themselves. Pure."""
