"""What CellAscent claims in numbers, measured here. Each file is one benchmark: `python -m benchmarks` runs all.

Speeds differ between machines, and on one machine from minute to minute. So whatever is compared is measured side by
side in one run, in interleaved rounds, and the results are medians of the rounds' ratios.
"""
