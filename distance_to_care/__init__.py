"""Distance to Care: who is far from specialist care, and what would change that."""

__version__ = "0.1.0"
