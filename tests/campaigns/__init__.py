"""Long campaigns, run by command; pytest does not collect them."""
