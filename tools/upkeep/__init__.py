"""What keeps a checkout healthy: environment, tests, adoption, upgrades, secrets."""
