"""What a trained model ignored: its network, beside the ones that it could have been."""

from relubias.diagnosis.activity import Activity
from relubias.diagnosis.agreement import Agreement, agreement
from relubias.diagnosis.comparison import Comparison
from relubias.diagnosis.curvature import Curvature
from relubias.diagnosis.descent_limit import DescentLimit, LimitStatus
from relubias.diagnosis.diagnose import diagnose
from relubias.diagnosis.diagnosis import Diagnosis
from relubias.diagnosis.files import load_model
from relubias.diagnosis.held_out import Ridge, TestError
from relubias.diagnosis.network import Network
from relubias.diagnosis.optimum import Optimum, Rest
from relubias.diagnosis.reading import read_network
from relubias.diagnosis.selection import Selection
from relubias.diagnosis.span import Span

__all__ = [
    "Activity",
    "Agreement",
    "Comparison",
    "Curvature",
    "DescentLimit",
    "Diagnosis",
    "LimitStatus",
    "Network",
    "Optimum",
    "Rest",
    "Ridge",
    "Selection",
    "Span",
    "TestError",
    "agreement",
    "diagnose",
    "load_model",
    "read_network",
]
