"""What a trained model ignored: its network, beside the ones that it could have been."""

from relubias.diagnosis.agreement import Agreement, agreement
from relubias.diagnosis.files import load_model
from relubias.diagnosis.network import Network
from relubias.diagnosis.reading import read_network

__all__ = ["Agreement", "Network", "agreement", "load_model", "read_network"]
