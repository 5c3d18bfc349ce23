"""A local workspace for trying and testing the bot: one process, loopback only, no outside services."""
