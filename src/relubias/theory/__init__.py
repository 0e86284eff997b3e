"""The paper as code: conditions that answer on the user's own data."""
