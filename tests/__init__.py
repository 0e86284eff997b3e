"""Tests; a package, so that oracles and named problems can be imported from anywhere below."""
