"""The hidden truth: customers, pickers, couriers and streets, who hear events and say commands."""
