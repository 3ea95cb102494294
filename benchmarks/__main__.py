"""`python -m benchmarks`: every benchmark, one after another."""

from benchmarks import whole_way

whole_way.main()
