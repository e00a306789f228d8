"""Many evenings of one scenario: what came of them, their statistics, and two compared."""
