"""The generator of the course's embedded sample: real films, simulated people."""
