"""Environment, test runner, adoption of the course, upgrades, secret scan."""
