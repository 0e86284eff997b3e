"""What a trained model ignored: its network, beside the ones that it could have been."""

__all__: list[str] = []
