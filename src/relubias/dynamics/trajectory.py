"""What a run of gradient descent leaves behind: states, switches, status and certificate."""
