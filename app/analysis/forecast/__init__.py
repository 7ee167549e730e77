"""What a program would gain from another way of running it, judged by one run: see docs/forecasts.md.

`demand` reads from a summary what each thread needs, `capacity` says how much of it so many CPUs and so many
locks can serve, and `choices` has one function for each way. `speed_up` replays a recording with a function
made faster.
"""
