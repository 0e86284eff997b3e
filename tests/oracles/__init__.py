"""Independent answers: exact rationals, big integers, long double. Nothing here uses relubias."""
