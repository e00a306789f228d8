"""Tours for any vehicles and tasks, as VROOM states them: what `POST /v1/solve` asks."""
