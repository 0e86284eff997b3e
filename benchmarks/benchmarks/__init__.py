"""asv suite: time beside accuracy, and no timing of an answer that is not certified."""

from threadpoolctl import threadpool_limits

threadpool_limits(limits=1)
