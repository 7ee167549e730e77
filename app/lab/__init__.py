"""Use cases that span runs: experiments, diagnosis, replay."""
