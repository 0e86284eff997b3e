"""A page in the browser on which to move the sliders of a problem and watch."""

__all__: list[str] = []
